//! Where a request may go.
//!
//! Every address that a customer or a shop can set is resolved here, judged, and connected to as resolved: a name that
//! changes its answer between the check and the connection (DNS rebinding) gains nothing.
//! Source of the ranges: the IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890 and its successors).

use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};
use serde::{Deserialize, Serialize};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

/// Where a client may connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// Public addresses, `https`, port 443: for addresses that others can set.
    #[default]
    Public,
    /// That, and this machine with any port and scheme: for development and tests.
    PublicOrLoopback,
    /// This machine alone, any port and scheme: for every adapter until somebody goes live.
    Loopback,
    /// Anywhere: for base URLs that the operator wrote into the configuration.
    Anywhere,
}

/// Why a request may not go where it was meant to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAllowed {
    /// Not an absolute `http` or `https` URL with a host.
    #[error("this is not a web address: write an absolute https:// URL")]
    NotWeb,
    /// A password in the URL.
    #[error("the address carries a user name or password; take it out")]
    UserInfo,
    /// Clear text to elsewhere than this machine.
    #[error("the address is not https; only https leaves this machine")]
    ClearText,
    /// Another port than 443.
    #[error("port {0} is not allowed; use 443")]
    Port(u16),
    /// An address elsewhere, before anybody went live.
    #[error("only this machine may be called before `tabi go-live`")]
    NotHere,
    /// An address that is not public.
    #[error("the address is inside a private or special network")]
    NotPublic,
}

/// Checks what can be checked before the name is resolved.
pub fn check_url(url: &str, reach: Reach) -> Result<Url, NotAllowed> {
    let url = Url::parse(url).map_err(|_| NotAllowed::NotWeb)?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(NotAllowed::NotWeb);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(NotAllowed::UserInfo);
    }
    if reach == Reach::Anywhere {
        return Ok(url);
    }
    let literal = literal_ip(&url);
    let here = literal.is_some_and(|ip| ip.is_loopback())
        || url.host_str().is_some_and(|host| host.eq_ignore_ascii_case("localhost"));
    match reach {
        Reach::PublicOrLoopback | Reach::Loopback if here => return Ok(url),
        Reach::Loopback => return Err(NotAllowed::NotHere),
        _ => {}
    }
    if url.scheme() != "https" {
        return Err(NotAllowed::ClearText);
    }
    match url.port_or_known_default() {
        Some(443) | None => {}
        Some(port) => return Err(NotAllowed::Port(port)),
    }
    // A literal never meets the resolver, so it is judged here.
    match literal {
        Some(ip) if !allowed(ip, reach) => Err(NotAllowed::NotPublic),
        _ => Ok(url),
    }
}

fn literal_ip(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host).parse().ok()
}

fn allowed(ip: IpAddr, reach: Reach) -> bool {
    match reach {
        Reach::Public => is_public(ip),
        Reach::PublicOrLoopback => is_public(ip) || ip.is_loopback(),
        Reach::Loopback => ip.is_loopback(),
        Reach::Anywhere => true,
    }
}

/// Whether `ip` is reachable by everybody: no private, shared, local, documentation, benchmark, multicast, tunnel or
/// reserved range, also not in disguise (IPv4 in IPv6, NAT64).
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    const CLOSED: [(u32, u32); 16] = [
        (0x0000_0000, 8),  // 0.0.0.0/8 this network
        (0x0a00_0000, 8),  // 10.0.0.0/8 private
        (0x6440_0000, 10), // 100.64.0.0/10 shared (CGNAT)
        (0x7f00_0000, 8),  // 127.0.0.0/8 loopback
        (0xa9fe_0000, 16), // 169.254.0.0/16 link-local, cloud metadata
        (0xac10_0000, 12), // 172.16.0.0/12 private
        (0xc000_0000, 24), // 192.0.0.0/24 protocol assignments
        (0xc000_0200, 24), // 192.0.2.0/24 documentation
        (0xc01f_c400, 24), // 192.31.196.0/24 AS112
        (0xc034_c100, 24), // 192.52.193.0/24 AMT
        (0xc058_6300, 24), // 192.88.99.0/24 6to4 relay
        (0xc0a8_0000, 16), // 192.168.0.0/16 private
        (0xc612_0000, 15), // 198.18.0.0/15 benchmarking
        (0xc633_6400, 24), // 198.51.100.0/24 documentation
        (0xcb00_7100, 24), // 203.0.113.0/24 documentation
        (0xe000_0000, 3),  // 224.0.0.0/3 multicast, reserved, broadcast
    ];
    let bits = u32::from(ip);
    !CLOSED.iter().any(|(net, len)| (bits ^ net) >> (32 - len) == 0)
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = ip.segments();
    let inner = || Ipv4Addr::from((u32::from(g) << 16) | u32::from(h));
    match (a, b, c, d, e, f) {
        // ::ffff:0:0/96, IPv4-mapped, and 64:ff9b::/96, NAT64 (RFC 6052): as the IPv4 address inside.
        (0, 0, 0, 0, 0, 0xffff) | (0x64, 0xff9b, 0, 0, 0, 0) => is_public_v4(inner()),
        // 2001::/23 protocol assignments (Teredo, benchmarking, ORCHID), 2001:db8::/32 documentation, 2002::/16 6to4,
        // 3fff::/20 documentation.
        (0x2001, 0..=0x01ff, ..) | (0x2001, 0x0db8, ..) | (0x2002, ..) | (0x3fff, 0..=0x0fff, ..) => false,
        // 2000::/3 is all that is given out as global unicast.
        _ => a & 0xe000 == 0x2000,
    }
}

/// Resolves names and keeps only answers that may be connected to: one forbidden address spoils the name.
#[derive(Debug)]
pub(crate) struct GuardedResolver(pub(crate) Reach);

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if !found.iter().all(|addr| allowed(addr.ip(), reach)) {
                return Err(NotAllowed::NotPublic.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

impl GuardedResolver {
    pub(crate) fn shared(reach: Reach) -> Arc<Self> {
        Arc::new(Self(reach))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn no_spelling_of_an_inner_address_passes() {
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f.1",
            "0177.0.0.1",
            "0",
            "10.0.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "192.0.0.8",
            "198.19.0.1",
            "203.0.113.9",
            "224.0.0.1",
            "255.255.255.255",
            "１２７.0.0.1",
            "127。0。0。1",
            "[::]",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:a00:1]",
            "[::127.0.0.1]",
            "[64:ff9b::a9fe:a9fe]",
            "[64:ff9b:1::1]",
            "[fe80::1]",
            "[fd00:ec2::254]",
            "[ff02::1]",
            "[2001::1]",
            "[2001:db8::1]",
            "[2002:7f00:1::]",
            "[3fff::1]",
        ] {
            let url = format!("https://{host}/hook");
            assert!(check_url(&url, Reach::Public).is_err(), "{url}");
        }
    }

    #[test]
    fn public_addresses_pass() {
        for host in ["example.com", "93.184.216.34", "[2606:2800:220:1::1]", "[64:ff9b::5db8:d822]"] {
            let url = format!("https://{host}/hook");
            assert!(check_url(&url, Reach::Public).is_ok(), "{url}");
        }
    }

    #[test]
    fn clear_text_other_ports_and_passwords_stay_home() {
        let check = |url| check_url(url, Reach::Public).unwrap_err();
        assert_eq!(check("http://example.com/"), NotAllowed::ClearText);
        assert_eq!(check("https://example.com:22/"), NotAllowed::Port(22));
        assert_eq!(check("https://a:b@example.com/"), NotAllowed::UserInfo);
        assert_eq!(check("file:///etc/passwd"), NotAllowed::NotWeb);
        assert_eq!(check("gopher://example.com/"), NotAllowed::NotWeb);
        assert_eq!(check("/hook"), NotAllowed::NotWeb);
    }

    #[test]
    fn this_machine_is_reached_only_when_that_is_said() {
        for url in ["http://127.0.0.1:9/", "http://localhost:9/", "http://[::1]:9/"] {
            assert!(check_url(url, Reach::Public).is_err(), "{url}");
            assert!(check_url(url, Reach::PublicOrLoopback).is_ok(), "{url}");
        }
        assert!(check_url("http://127.0.0.1:9/", Reach::Loopback).is_ok());
        for url in ["https://example.com/", "http://10.0.0.1/", "https://localhost.example/"] {
            assert_eq!(check_url(url, Reach::Loopback), Err(NotAllowed::NotHere), "{url}");
        }
        assert!(check_url("http://10.0.0.1/", Reach::PublicOrLoopback).is_err());
        assert!(check_url("http://10.0.0.1/", Reach::Anywhere).is_ok());
    }
}
