//! Errors to the outside: `application/problem+json` (RFC 9457). Each code has a page at `/problems/{code}`.

use crate::intake::Why;
use axum::extract::Path;
use axum::response::{Html, IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value as Json, json};
use words::Language;

/// An error as it is answered.
#[derive(Debug, Clone)]
pub struct Problem {
    code: Code,
    detail: String,
    extra: Map<String, Json>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

macro_rules! codes {
    ($($name:ident $text:literal $status:literal $title:literal $ja:literal $help:literal;)*) => {
        /// What can go wrong, by stable names.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code { $(#[doc = $title] $name,)* }

        impl Code {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable name, the last part of the problem's `type`.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The HTTP status.
            pub fn status(self) -> StatusCode {
                let status: u16 = match self { $(Self::$name => $status,)* };
                StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            }

            /// What it is, in a sentence.
            pub fn title(self, language: Language) -> &'static str {
                match (self, language) { $((Self::$name, Language::En) => $title, (Self::$name, Language::Ja) => $ja,)* }
            }

            /// What to do about it.
            pub fn help(self) -> &'static str {
                match self { $(Self::$name => $help,)* }
            }
        }
    };
}

codes! {
    InvalidJson "invalid_json" 400 "The body is not JSON that can be read" "本文をJSONとして読めません"
        "Send one JSON object in UTF-8, nested at most 32 deep, without lone surrogates or numbers beyond 64 bits.";
    InvalidRequest "invalid_request" 400 "The request is not what this route takes" "この宛先が受け付ける内容ではありません"
        "The detail names the field. The routes and their fields are at /openapi.json.";
    Unauthorized "unauthorized" 401 "No valid API key" "APIキーが正しくありません"
        "Give the key as the user name of basic authentication, or as `Authorization: Bearer …`. Make one with `tabi` on the server.";
    Forbidden "forbidden" 403 "The API key may not do this" "このAPIキーでは行えません"
        "Use a key with the scope that the detail names. Browser keys may only identify and send events that the schema marks `from_browser`.";
    NotFound "not_found" 404 "There is nothing here" "ここには何もありません"
        "Check the address. The routes are at /openapi.json.";
    MethodNotAllowed "method_not_allowed" 405 "This route does not take this method" "この宛先はこのメソッドを受け付けません"
        "The `Allow` header says which methods it takes.";
    Timeout "timeout" 503 "It took too long" "時間がかかりすぎました"
        "Send the request again: what carries a message id or an Idempotency-Key is done once.";
    Running "idempotency_running" 409 "A request with this Idempotency-Key is still under way" "同じIdempotency-Keyの処理がまだ終わっていません"
        "Wait and ask again with the same key and the same body: you get the answer of the first.";
    Conflict "conflict" 409 "It collides with what is there" "既にあるものと矛盾します"
        "The detail says with what.";
    Erased "erased" 410 "This customer was erased" "このお客様の情報は消去されています"
        "What was known about them is gone for good.";
    TooLarge "body_too_large" 413 "The body is too large" "本文が大きすぎます"
        "The detail says how much this route takes, before compression; `limit_bytes` has it in bytes. Send several smaller requests; a larger file of customers or history goes through `tabi import` on the server.";
    UnsupportedMedia "unsupported_media" 415 "The body's encoding is not understood" "本文の符号化に対応していません"
        "Send JSON, plain or with `Content-Encoding: gzip`.";
    IdempotencyMissing "idempotency_missing" 400 "Idempotency-Key is missing" "Idempotency-Keyがありません"
        "Send an `Idempotency-Key` header: a text in double quotes that is new for each request you mean, like a UUID. Repeat it when you repeat the request.";
    IdempotencyMalformed "idempotency_malformed" 400 "Idempotency-Key is not a text in double quotes" "Idempotency-Keyが二重引用符で囲まれていません"
        "Write it in double quotes, as RFC 8941 has texts: `Idempotency-Key: \"8e03978e-40d5-43dd-bc93-6894a57f9324\"`. In a shell: -H 'Idempotency-Key: \"…\"'.";
    IdempotencyMismatch "idempotency_mismatch" 422 "This Idempotency-Key was used with another body" "このIdempotency-Keyは別の内容で使われています"
        "Use a new key for a new request.";
    Rejected "rejected" 400 "The message was not understood" "メッセージを理解できませんでした"
        "The detail says which field and why. It is kept: after the schema is mended it can be replayed, in the console or with POST /v1/replay.";
    InvalidValue "invalid_value" 422 "A value is well formed, and cannot be taken" "値の形式は正しいものの、受け付けられません"
        "The detail names the field, and why: it names what the project does not declare, or does not go with the other fields. Names are those of the live release: `tabi check` and `tabi deploy` bring new ones.";
    InvalidInputs "invalid_inputs" 422 "The inputs are not those that were declared" "入力が宣言と一致しません"
        "`errors` names each input. What a message or a journey wants is declared in its file.";
    ClassNotAllowed "class_not_allowed" 422 "This purpose may not be sent directly" "この目的では直接送信できません"
        "Direct sends are for purposes of the classes transactional, security and regulatory. Everything else goes through a journey.";
    AsksSurvey "asks_survey" 422 "This message asks a survey, and a direct send cannot" "このメッセージはアンケートを含むため、直接送信できません"
        "The link to a survey's page belongs to the step of a journey that asks it: write `survey: …` with `send: …` there and start it with `api:`. Or take `links.survey_url` out of the message.";
    ClassMismatch "class_mismatch" 422 "The message is written for stricter rules than the purpose has" "メッセージの用途に対して、目的の規則が緩すぎます"
        "Name a purpose of the class that the message is written as (`use:` in its message.yaml), or a stricter one.";
    UnknownChannel "unknown_channel" 422 "There is no such channel" "そのようなチャネルはありません"
        "The detail names the channels there are. Leave `channel` out to speak of all of them.";
    EvidenceMismatch "evidence_mismatch" 422 "The hash is not that of the wording" "ハッシュ値が文面と一致しません"
        "`text_hash` is the SHA-256 of the bytes of `text`, in hex. Leave it out and it is computed, or send the hash alone where the wording itself is not kept.";
    Unreachable "unreachable" 422 "The customer has no address on these channels" "指定したチャネルにお客様の宛先がありません"
        "Identify the customer with an address first, or name another channel.";
    RateLimited "rate_limited" 429 "Too many requests with this key" "このキーでの要求が多すぎます"
        "Wait as long as `Retry-After` says. Send events in batches.";
    BadSignature "bad_signature" 401 "The signature does not fit the body" "署名が本文と一致しません"
        "Check that the secret in Tabi's environment is the one that the shop signs with, and that nothing between the two changes the body.";
    NoRelease "no_release" 503 "No release is live" "公開中のリリースがありません"
        "Deploy the project: `tabi deploy`.";
    Unavailable "unavailable" 503 "It could not be stored now" "いまは保存できません"
        "Nothing was written. Send it again after `Retry-After`.";
    Unsupported "unsupported" 501 "This instance cannot do that" "このインスタンスでは行えません"
        "The detail says why.";
    Internal "internal" 500 "Something is broken here" "内部で問題が起きました"
        "It is in the log. Run `tabi doctor`.";
}

impl Problem {
    /// A problem of this code; the detail says what is wrong with this very request, without personal data.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let headers = match code {
            Code::Unauthorized => {
                vec![(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"tabi\", charset=\"UTF-8\""))]
            }
            Code::Unavailable | Code::NoRelease | Code::Timeout | Code::Running => {
                vec![(RETRY_AFTER, HeaderValue::from_static("1"))]
            }
            _ => Vec::new(),
        };
        Self { code, detail: detail.into(), extra: Map::new(), headers }
    }

    /// The same with one more member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Json>) -> Self {
        self.extra.insert(name.to_owned(), value.into());
        self
    }

    /// The same, to be tried again after so many seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.headers.retain(|(name, _)| name != RETRY_AFTER);
        self.headers.push((RETRY_AFTER, HeaderValue::from(seconds.max(1))));
        self
    }

    /// Its code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// What is wrong with this request.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The body.
    pub fn to_json(&self) -> Json {
        let mut body = Map::new();
        body.insert("type".into(), json!(format!("/problems/{}", self.code.as_str())));
        body.insert("title".into(), json!(self.code.title(Language::En)));
        body.insert("status".into(), json!(self.code.status().as_u16()));
        body.insert("detail".into(), json!(self.detail));
        body.insert("help".into(), json!(self.code.help()));
        body.extend(self.extra.clone());
        Json::Object(body)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.code.status(), self.to_json().to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        for (name, value) in self.headers {
            headers.insert(name, value);
        }
        response
    }
}

impl From<store::StoreError> for Problem {
    fn from(error: store::StoreError) -> Self {
        use store::StoreError;
        match error {
            StoreError::NotFound(what) => Self::new(Code::NotFound, format!("there is no {what}")),
            StoreError::Conflict(why) => Self::new(Code::Conflict, why),
            StoreError::Invalid(why) => Self::new(Code::InvalidRequest, why),
            StoreError::Erased => Self::new(Code::Erased, "this customer was erased"),
            StoreError::Unavailable(why) => {
                tracing::warn!("A request was not stored: {why}");
                Self::new(Code::Unavailable, "the database did not take it, nothing was written")
            }
            // A disk that is full is full for keys.db, too.
            StoreError::Vault(
                why @ (vault::VaultError::Storage(_)
                | vault::VaultError::Server(_)
                | vault::VaultError::Io { .. }
                | vault::VaultError::Stopping),
            ) => {
                let source = std::error::Error::source(&why).map(|source| format!(": {source}"));
                tracing::warn!("A request was not stored: {why}{}", source.unwrap_or_default());
                Self::new(Code::Unavailable, "the keys cannot be read or written now, nothing was written")
            }
            unfinished @ StoreError::Unfinished(_) => Self::new(Code::Unavailable, unfinished.to_string()),
            StoreError::ReadOnly => Self::new(Code::Unsupported, "this instance only reads"),
            other => {
                tracing::error!("A request failed: {other}");
                Self::new(Code::Internal, "the request failed; the reason is in the server's log")
            }
        }
    }
}

impl From<vault::VaultError> for Problem {
    fn from(error: vault::VaultError) -> Self {
        store::StoreError::from(error).into()
    }
}

/// `GET /problems/{code}`: what a problem means, for people.
pub(crate) async fn page(Path(code): Path<String>, headers: HeaderMap) -> Response {
    let language = headers
        .get(http::header::ACCEPT_LANGUAGE)
        .and_then(|v| v.to_str().ok())
        .map_or(Language::En, Language::guess);
    let known = Code::ALL.iter().find(|known| known.as_str() == code);
    let why = Why::ALL.iter().find(|why| why.as_str() == code);
    let (name, title, status, help) = match (known, why) {
        (Some(code), _) => {
            let status = format!(", HTTP {}", code.status().as_u16());
            (code.as_str(), code.title(language), status, code.help())
        }
        // What a refused message says in `code`, and a batch of each of its refused ones.
        (None, Some(why)) => (why.as_str(), why.title(language), String::new(), why.help()),
        (None, None) => {
            return Problem::new(Code::NotFound, "there is no problem of this name").into_response();
        }
    };
    let lang = if language == Language::Ja { "ja" } else { "en" };
    Html(format!(
        "<!doctype html><html lang=\"{lang}\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{name}</title><main><h1>{title}</h1><p><code>{name}</code>{status}</p><p lang=\"en\">{help}</p></main></html>",
    ))
    .into_response()
}

/// What is answered where no route fits.
pub(crate) async fn not_found() -> Problem {
    Problem::new(Code::NotFound, "no route has this address")
}

/// What is answered where a route does not take the method.
pub(crate) async fn method_not_allowed() -> Problem {
    Problem::new(Code::MethodNotAllowed, "the route does not take this method")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_is_full_is_for_now_whichever_file_is_on_it() {
        let full = || std::io::Error::from(std::io::ErrorKind::StorageFull);
        let vault = vault::VaultError::Io { path: "keys.db".into(), source: full() };
        for error in [store::StoreError::Unavailable("full".to_owned()), vault.into()] {
            let answer = Problem::from(error).into_response();
            assert_eq!(answer.status(), 503);
            assert!(answer.headers().contains_key(RETRY_AFTER), "clients hear when to come again");
        }
        let damaged = store::StoreError::from(vault::VaultError::Tampered);
        assert_eq!(
            Problem::from(damaged).into_response().status(),
            500,
            "what will not pass is no matter of waiting"
        );
    }
}
