//! The facts of what operators set for texts: policies, templates and keywords.

use model::{AccountId, ScreeningTemplate, TemplateId};

use super::{Decoder, Encoder, form};
use crate::contract::changes::Resource;
use crate::contract::tenants::KeywordsOf;

impl Encoder<'_> {
    /// Writes one of these; of any other resource nothing.
    pub(super) fn setting(&mut self, resource: &Resource) {
        match resource {
            Resource::Keywords { of: KeywordsOf::Account(account), settings } => {
                self.of_account(form::KEYWORDS_OF_ACCOUNT, *account);
                self.text(settings);
            }
            Resource::Keywords { of: KeywordsOf::Number(number), settings } => {
                self.octet(form::KEYWORDS_OF_NUMBER);
                self.text(&number.text());
                self.text(settings);
            }
            Resource::Policy { account, policy } => {
                self.of_account(form::POLICY, *account);
                self.text(policy);
            }
            Resource::TemplateApproved(template) => {
                self.of_account(form::TEMPLATE_APPROVED, template.account);
                self.octets(&template.id.to_bytes());
                self.text(&template.text);
                self.maybe(template.note.as_deref(), Self::text);
                self.time(template.created_at);
            }
            Resource::TemplateRemoved { account, id } => {
                self.of_account(form::TEMPLATE_REMOVED, *account);
                self.octets(&id.to_bytes());
            }
            _ => {}
        }
    }

    fn of_account(&mut self, form: u8, account: AccountId) {
        self.octet(form);
        self.octets(&account.to_bytes());
    }
}

impl Decoder<'_> {
    /// Reads one of these; `None` for any other form.
    pub(super) fn setting(&mut self, form: u8) -> Option<Resource> {
        Some(match form {
            form::KEYWORDS_OF_ACCOUNT => {
                let of = KeywordsOf::Account(self.account_id()?);
                Resource::Keywords { of, settings: self.text()?.into() }
            }
            form::KEYWORDS_OF_NUMBER => {
                let of = KeywordsOf::Number(self.originator()?);
                Resource::Keywords { of, settings: self.text()?.into() }
            }
            form::POLICY => Resource::Policy { account: self.account_id()?, policy: self.text()?.into() },
            form::TEMPLATE_APPROVED => Resource::TemplateApproved(ScreeningTemplate {
                account: self.account_id()?,
                id: TemplateId::from_bytes(self.octets()?),
                text: self.text()?.into(),
                note: self.maybe(|facts| facts.text().map(str::to_owned))?,
                created_at: self.time()?,
            }),
            form::TEMPLATE_REMOVED => {
                Resource::TemplateRemoved { account: self.account_id()?, id: TemplateId::from_bytes(self.octets()?) }
            }
            _ => return None,
        })
    }
}
