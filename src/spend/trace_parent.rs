//! The header `traceparent`: what the client's own trace is called
//! (<https://www.w3.org/TR/trace-context/#traceparent-header>).

/// A client's trace, which a span of the gateway's is a part of. It links, and nothing else is believed of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    /// The trace.
    pub trace: u128,
    /// The client's span in it.
    pub span: u64,
    /// Whether the client's trace is kept at all: if not, nothing is sent of this request.
    pub is_sampled: bool,
}

impl TraceParent {
    /// Reads `00-<32 hex digits>-<16 hex digits>-<2 hex digits>`, or what a later version puts behind it; `None`: it is
    /// none, and the request has no parent.
    pub fn read(header: &str) -> Option<Self> {
        let mut parts = header.trim().split('-');
        let version = hex(parts.next()?, 2)?;
        let trace = hex(parts.next()?, 32)?;
        let span = u64::try_from(hex(parts.next()?, 16)?).ok()?;
        let flags = hex(parts.next()?, 2)?;
        let is_longer = parts.next().is_some();
        let is_sound = version != 0xff && trace != 0 && span != 0 && !(version == 0 && is_longer);
        is_sound.then_some(Self {
            trace,
            span,
            is_sampled: flags & 1 == 1,
        })
    }
}

/// Reads a number of exactly `digits` hex digits in lower case.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let is_hex = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_right = text.len() == digits && text.bytes().all(is_hex);
    is_right.then(|| u128::from_str_radix(text, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_traceparent_is_no_parent() {
        const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
        const SPAN: &str = "00f067aa0ba902b7";
        for (header, sampled) in [
            (format!("00-{TRACE}-{SPAN}-01"), Some(true)),
            (format!(" 00-{TRACE}-{SPAN}-00 "), Some(false)),
            (format!("00-{TRACE}-{SPAN}-03"), Some(true)),
            // A later version may say more.
            (format!("01-{TRACE}-{SPAN}-01-what"), Some(true)),
            (format!("00-{TRACE}-{SPAN}-01-what"), None),
            (format!("ff-{TRACE}-{SPAN}-01"), None),
            (format!("00-{}-{SPAN}-01", "0".repeat(32)), None),
            (format!("00-{TRACE}-{}-01", "0".repeat(16)), None),
            (format!("00-{}-{SPAN}-01", TRACE.to_uppercase()), None),
            (format!("00-{TRACE}-{SPAN}"), None),
            (format!("00-{}-{SPAN}-01", &TRACE[1..]), None),
            (String::new(), None),
            (
                "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned(),
                None,
            ),
        ] {
            let read = TraceParent::read(&header);
            assert_eq!(read.map(|parent| parent.is_sampled), sampled, "{header}");
        }
        let parent = TraceParent::read(&format!("00-{TRACE}-{SPAN}-01")).unwrap();
        assert_eq!(
            format!("{:032x}-{:016x}", parent.trace, parent.span),
            format!("{TRACE}-{SPAN}")
        );
    }
}
