//! The calls of the admin API that the console makes, all of them.

/// The method of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates or does.
    Post,
    /// Puts in place.
    Put,
    /// Changes in part.
    Patch,
    /// Takes away.
    Delete,
}

impl Method {
    /// As HTTP writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// A call of the admin API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its method.
    pub method: Method,
    /// Its route below `/admin/v1`, with names in braces.
    pub route: &'static str,
}

macro_rules! calls {
    ($($(#[$doc:meta])* $name:ident = $method:ident $route:literal;)*) => {
        $($(#[$doc])* pub(crate) const $name: Call = Call { method: Method::$method, route: $route };)*

        /// Every call that the console makes. A page and a form can make no other one.
        pub const ALL: &[Call] = &[$($name),*];
    };
}

calls! {
    ACCOUNTS = Get "/accounts";
    ACCOUNT_CREATE = Post "/accounts";
    ACCOUNT = Get "/accounts/{id}";
    ACCOUNT_CHANGE = Patch "/accounts/{id}";
    KEYS = Get "/accounts/{id}/keys";
    KEY_CREATE = Post "/accounts/{id}/keys";
    KEY_REVOKE = Delete "/keys/{id}";
    USAGE = Get "/accounts/{id}/usage";
    POLICY = Get "/accounts/{id}/screening";
    POLICY_SET = Put "/accounts/{id}/screening";
    TEMPLATES = Get "/accounts/{id}/screening/templates";
    TEMPLATE_APPROVE = Put "/accounts/{id}/screening/templates";
    TEMPLATE_REMOVE = Delete "/accounts/{id}/screening/templates/{template}";
    KEYWORDS = Get "/accounts/{id}/keywords";
    KEYWORDS_SET = Put "/accounts/{id}/keywords";
    NUMBERS = Get "/numbers";
    NUMBER = Get "/numbers/{number}";
    NUMBER_KEYWORDS = Get "/numbers/{number}/keywords";
    NUMBER_KEYWORDS_SET = Put "/numbers/{number}/keywords";
    NUMBER_CREATE = Post "/numbers";
    NUMBER_CHANGE = Patch "/numbers/{number}";
    BLOCKS = Get "/blocks";
    BLOCK_SET = Put "/blocks/{number}";
    BLOCK_LIFT = Delete "/blocks/{number}";
    OPTOUTS = Get "/optouts";
    OPTOUT_SET = Put "/optouts/{number}";
    OPTOUT_END = Delete "/optouts/{number}";
    WEBHOOKS = Get "/webhooks";
    WEBHOOK = Get "/webhooks/{id}";
    DELIVERIES = Get "/webhooks/{id}/deliveries";
    WEBHOOK_REPLAY = Post "/webhooks/{id}/replay";
    MESSAGES = Get "/messages";
    MESSAGE = Get "/messages/{id}";
    BROADCASTS = Get "/broadcasts";
    BROADCAST = Get "/broadcasts/{id}";
    BROADCAST_CANCEL = Post "/broadcasts/{id}/cancel";
    MESSAGE_SEND = Post "/messages";
    MESSAGE_AGAIN = Post "/messages/{id}/again";
    MESSAGE_CANCEL = Post "/messages/{id}/cancel";
    MESSAGE_REVEAL = Post "/messages/{id}/reveal";
    OVERVIEW = Get "/overview";
    LIVE = Get "/live";
    CARRIERS = Get "/carriers";
    CARRIER = Get "/carriers/{name}";
    CARRIER_STOP = Post "/carriers/{name}/stop";
    CARRIER_START = Post "/carriers/{name}/start";
    CARRIER_TEST = Post "/carriers/{name}/test";
    CODES = Get "/carriers/{name}/codes";
    TRACE = Get "/carriers/{name}/trace";
    TRACE_BEGIN = Post "/carriers/{name}/trace";
    TRACE_END = Delete "/carriers/{name}/trace";
    OPERATORS = Get "/operators";
    OPERATOR_CREATE = Post "/operators";
    OPERATOR_CHANGE = Patch "/operators/{name}";
    OPERATOR_LINK = Post "/operators/{name}/link";
    AUDIT = Get "/audit";
    UNMATCHED = Get "/carriers/{name}/unmatched";
    SCREENING = Get "/screening";
    SCREENING_GROUPS = Get "/screening/groups";
    SCREENING_DECISION = Get "/screening/{id}";
    SCREENING_ALLOW = Post "/accounts/{account}/screening/allow";
    SCREENING_REVIEW = Post "/screening/{id}/review";
    INBOUND = Get "/inbound";
    UNROUTED = Get "/inbound/unrouted";
    UNROUTED_ASSIGN = Post "/inbound/unrouted/{id}/assign";
}

impl Call {
    /// The path of the call with these in the places of its names, in order, each encoded as one segment.
    pub fn path(&self, args: &[&str]) -> String {
        let mut args = args.iter();
        let mut path = String::from("/admin/v1");
        for segment in self.route.split('/').skip(1) {
            path.push('/');
            if segment.starts_with('{') {
                path.push_str(&encoded(args.next().copied().unwrap_or_default()));
            } else {
                path.push_str(segment);
            }
        }
        path
    }
}

/// A text as a segment of a path or a value of a query.
pub(crate) fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_a_name_is_one_segment() {
        assert_eq!(BLOCK_SET.path(&["+1 800/../x"]), "/admin/v1/blocks/%2B1%20800%2F..%2Fx");
        assert_eq!(TEMPLATE_REMOVE.path(&["acc_1", "t"]), "/admin/v1/accounts/acc_1/screening/templates/t");
    }
}
