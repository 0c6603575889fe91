//! Addresses that we call and that we lead to: never inside, never elsewhere than they say.

use crate::links::plain;
use crate::parts::{lines, text};
use egress::{Reach, check_url, is_public, one_line};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use words::trackable;

/// An address, and a page with links.
pub(crate) fn run(bytes: &[u8]) {
    let [address, page] = lines(bytes);
    let (address, page) = (text(address), text(page));
    for address in [address.clone(), format!("https://{address}/"), format!("https://[{address}]/")] {
        called(&address);
        led_to(&address);
    }
    rewritten(&page);
    if let Ok(ip) = address.trim().parse::<IpAddr>() {
        assert!(!(is_public(ip) && inside(ip)), "{ip} is inside");
    }
    if let Some(bytes) = page.as_bytes().first_chunk::<16>() {
        let ip = IpAddr::V6(Ipv6Addr::from(*bytes));
        assert!(!(is_public(ip) && inside(ip)), "{ip} is inside");
    }
    if let Some(bytes) = page.as_bytes().first_chunk::<4>() {
        let ip = IpAddr::V4(Ipv4Addr::from(*bytes));
        assert!(!(is_public(ip) && inside(ip)), "{ip} is inside");
    }
    let _ = one_line(&page, &[&address]);
}

/// By the standard library and the registries, not by the code that is tried.
fn inside(ip: IpAddr) -> bool {
    let inside_4 = |ip: Ipv4Addr| {
        ip.is_loopback()
            || ip.is_private()
            || ip.is_link_local()
            || ip.is_broadcast()
            || ip.is_documentation()
            || ip.is_unspecified()
            || ip.is_multicast()
            || ip.octets()[0] == 0
            || ip.octets()[0] >= 240
            || (ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64)
            || (ip.octets()[0] == 198 && ip.octets()[1] & 0xfe == 18)
    };
    match ip {
        IpAddr::V4(ip) => inside_4(ip),
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            let nat = [a, b, c, d] == [0x64, 0xff9b, 0, 0] && ip.segments()[4..6] == [0, 0];
            ip.is_loopback()
                || ip.is_unspecified()
                || ip.is_multicast()
                || ip.is_unique_local()
                || ip.is_unicast_link_local()
                || ip.to_ipv4_mapped().is_some_and(inside_4)
                || nat && inside_4(Ipv4Addr::from(u128::from(ip) as u32))
                || (a == 0x2002 && inside_4(Ipv4Addr::from((u32::from(b) << 16) | u32::from(c))))
                || (a == 0 && !nat && ip.to_ipv4_mapped().is_none())
                || (a, b) == (0x2001, 0xdb8)
        }
    }
}

fn called(address: &str) {
    if let Ok(url) = check_url(address, Reach::Public) {
        assert_eq!(url.scheme(), "https", "{address}");
        assert!(matches!(url.port(), None | Some(443)), "{address}");
        assert!(url.username().is_empty() && url.password().is_none(), "{address}");
        match url::Url::parse(url.as_str()).expect("a URL").host().expect("a host") {
            url::Host::Ipv4(ip) => assert!(!inside(ip.into()), "{address} is inside"),
            url::Host::Ipv6(ip) => assert!(!inside(ip.into()), "{address} is inside"),
            // A name is judged again by what it resolves to.
            url::Host::Domain(_) => {}
        }
    }
    if let Ok(url) = check_url(address, Reach::Loopback) {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_ascii_lowercase();
        let here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        assert!(here, "{address} is not this machine");
    }
}

fn led_to(address: &str) {
    let Some(tracked) = trackable(address) else { return };
    assert_eq!(trackable(&tracked).as_deref(), Some(tracked.as_str()), "not the same twice");
    plain(&tracked);
}

/// Only targets change, each is asked about as it is meant, and nothing breaks out of its quotes.
fn rewritten(page: &str) {
    let mut asked = 0;
    assert_eq!(render::rewrite_links(page, |_, _| None), page, "nothing was asked for and something changed");
    let new = render::rewrite_links(page, |number, target| {
        assert_eq!(number, asked);
        asked += 1;
        assert!(target.starts_with("http"), "{target}");
        Some("https://tabi.example/c/\"><script>".to_owned())
    });
    assert_eq!(new.matches("\"><script>").count(), page.matches("\"><script>").count(), "{new}");
    assert_eq!(
        render::rewrite_text_links(page, &[], |_| None),
        page,
        "nothing was asked for and something changed"
    );
    let links = [("https://shop.example/".to_owned(), "https://tabi.example/c/x".to_owned())];
    let _ = render::rewrite_text_links(page, &links, |target| {
        assert!(target.starts_with("http"), "{target}");
        None
    });
}
