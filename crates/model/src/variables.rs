//! Variables in the text of a broadcast: the value of each recipient replaces `{{name}}`.

use std::ops::Range;

/// The most different variables that a text has, and that a recipient has values for.
pub const VARIABLES_MAX: usize = 20;

/// The most characters of a variable's name.
pub const NAME_CHARACTERS_MAX: usize = 32;

/// The values of one recipient, in the order of [`Template::names`].
pub type Values = Box<[Box<str>]>;

/// Whether this can be the name of a variable: 1 to [`NAME_CHARACTERS_MAX`] of `A-Z a-z 0-9 _`.
pub fn is_name(text: &str) -> bool {
    (1..=NAME_CHARACTERS_MAX).contains(&text.len())
        && text.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'_')
}

/// The reason why a text is not a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoTemplate {
    /// The text between `{{` and `}}` is not a name.
    NoName,
    /// It has more than [`VARIABLES_MAX`] variables.
    TooMany,
}

/// A text taken apart at its variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template<'a> {
    text: &'a str,
    names: Vec<&'a str>,
    places: Vec<Place>,
}

/// The place of a variable in the text, and the index of its name.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    at: Range<usize>,
    name: usize,
}

impl<'a> Template<'a> {
    /// Takes a text apart. Spaces beside a name do not count. Two braces that nothing closes are text.
    ///
    /// # Errors
    /// [`NoTemplate`].
    pub fn parse(text: &'a str) -> Result<Self, NoTemplate> {
        let (mut names, mut places, mut from) = (Vec::new(), Vec::new(), 0);
        while let Some(start) = text[from..].find("{{").map(|at| from + at) {
            let Some(end) = text[start..].find("}}").map(|at| start + at) else { break };
            let name = text[start + 2..end].trim_matches(' ');
            if !is_name(name) {
                return Err(NoTemplate::NoName);
            }
            let known = names.iter().position(|known| *known == name);
            let place = known.unwrap_or_else(|| {
                names.push(name);
                names.len() - 1
            });
            from = end + 2;
            places.push(Place { at: start..from, name: place });
        }
        if names.len() > VARIABLES_MAX { Err(NoTemplate::TooMany) } else { Ok(Self { text, names, places }) }
    }

    /// The names of its variables, in the order of their first places in the text.
    pub fn names(&self) -> &[&'a str] {
        &self.names
    }

    /// The text for one recipient. A value that is not there leaves nothing.
    pub fn render(&self, values: &[Box<str>]) -> String {
        let (mut rendered, mut from) = (String::with_capacity(self.text.len()), 0);
        for Place { at, name } in &self.places {
            rendered.push_str(&self.text[from..at.start]);
            rendered.push_str(values.get(*name).map_or("", |value| value));
            from = at.end;
        }
        rendered.push_str(&self.text[from..]);
        rendered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(of: &[&str]) -> Values {
        of.iter().map(|value| Box::from(*value)).collect()
    }

    #[test]
    fn every_place_of_a_variable_has_the_recipients_value() {
        let template = Template::parse("Hi {{name}}, {{ code }} is yours, {{name}}!").unwrap();
        assert_eq!(template.names(), ["name", "code"]);
        assert_eq!(template.render(&values(&["Ada", "12"])), "Hi Ada, 12 is yours, Ada!");
        // A value is no template.
        assert_eq!(template.render(&values(&["{{code}}", "12"])), "Hi {{code}}, 12 is yours, {{code}}!");
        assert_eq!(template.render(&[]), "Hi ,  is yours, !");
    }

    #[test]
    fn braces_that_hold_no_name_are_refused_and_open_ones_are_text() {
        for text in ["{{}}", "{{na me}}", "{{{name}}}", "{{#if}}", "{{größe}}", "a {{\n}}", "{{{{a}}}}"] {
            assert_eq!(Template::parse(text), Err(NoTemplate::NoName), "{text}");
        }
        assert_eq!(Template::parse(&format!("{{{{{}}}}}", "x".repeat(33))), Err(NoTemplate::NoName));
        for text in ["", "hello", "a { b } c", "{{ open", "}} {{", "{name}"] {
            let template = Template::parse(text).unwrap();
            assert_eq!((template.names(), template.render(&[])), (&[][..], text.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_text_has_a_bounded_number_of_variables() {
        let text = |count: usize| (0..count).map(|number| format!("{{{{v{number}}}}}")).collect::<String>();
        assert_eq!(Template::parse(&text(VARIABLES_MAX)).unwrap().names().len(), VARIABLES_MAX);
        assert_eq!(Template::parse(&text(VARIABLES_MAX + 1)), Err(NoTemplate::TooMany));
    }
}
