//! Why something was not taken in, by stable names. Each has a page at `/problems/{code}`.

use words::Language;

macro_rules! whys {
    ($($name:ident $text:literal $title:literal $ja:literal $help:literal;)*) => {
        /// Why a message, a row or a webhook was refused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Why { $(#[doc = $title] $name,)* }

        impl Why {
            /// All of them.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable name.
            pub(crate) fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// What it is, in a sentence.
            pub(crate) fn title(self, language: Language) -> &'static str {
                match (self, language) { $((Self::$name, Language::En) => $title, (Self::$name, Language::Ja) => $ja,)* }
            }

            /// What to do about it.
            pub(crate) fn help(self) -> &'static str {
                match self { $(Self::$name => $help,)* }
            }
        }
    };
}

whys! {
    InvalidJson "invalid_json" "It is not JSON that can be read" "JSONとして読めません"
        "Send one JSON object in UTF-8, nested at most 32 deep, without lone surrogates or numbers beyond 64 bits.";
    TooLarge "too_large" "The message is too large" "メッセージが大きすぎます"
        "A message has at most 32 KB. Leave out what no journey and no message reads.";
    NotAMessage "not_a_message" "It is not a message of the tracking API" "トラッキングAPIのメッセージではありません"
        "The reason names the field. Which fields a message has is at /openapi.json, under `Message`.";
    NotARow "not_a_row" "The row cannot be read" "行を読めません"
        "The reason says which column and why. Mend the row in the file of refused rows, and import that file.";
    NoTopic "no_topic" "The delivery does not say what it is about" "何についての通知か分かりません"
        "The mapping's `topic` names the header or the field that says it. Look at what the shop sends, and mend the mapping.";
    MissingIdentity "missing_identity" "It says nothing about whom" "誰についてのものか分かりません"
        "Give `userId` or `anonymousId`; in an import also `email` or `phone`.";
    TraitType "trait_type" "A trait is not of its declared type" "属性の値が宣言された型と一致しません"
        "The reason names the trait and what it wants. Send it so, or change its type under `traits:` in journeys/, deploy, and replay.";
    PropertyType "property_type" "A property is not of its declared type" "プロパティの値が宣言された型と一致しません"
        "The reason names the property and what it wants. Send it so, or change its type under `events:` in journeys/, deploy, and replay.";
    UnknownPurpose "unknown_purpose" "A consent names a purpose that there is not" "同意の目的が宣言されていません"
        "Purposes are declared under `purposes:` in journeys/. The reason names those there are.";
    UnknownChannel "unknown_channel" "A consent names a channel that there is not" "同意のチャネルが存在しません"
        "The reason names the channels there are. Leave the channel out to speak of all of them.";
    ReservedName "reserved_name" "Only Tabi itself may say this" "Tabi専用のイベント名です"
        "Events of this name are told by Tabi. Give yours another name.";
    NotFromBrowser "not_from_browser" "A browser key may not say this" "ブラウザー用のキーでは送信できません"
        "Browser keys may identify, and send the events that the schema marks `from_browser`. Send it from your server, with a server key.";
    PhoneWithoutCountry "phone_without_country" "A national phone number without a country" "国が分からない電話番号です"
        "Send the number in international form, like +819012345678, or the customer's country with it. The rest of the message was taken.";
    Erased "erased" "This customer was erased" "このお客様の情報は消去されています"
        "What was known about them is gone for good. A new customer needs a new user id.";
}
