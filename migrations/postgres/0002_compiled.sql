-- The release that is live, as the compiler left it: what a start would otherwise make again from its files. Any row may be
-- lost; whoever reads one proves first that it is of these very files and of this very program.
create table release_compiled (
    release bytea primary key references release (id),
    body bytea not null                      -- see release::Release::from_compiled
);
