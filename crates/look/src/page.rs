//! The HTML around every page.

use maud::{DOCTYPE, Markup, html};

/// What the head of a page has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head<'a> {
    /// The title. It has no text that strangers wrote.
    pub title: &'a str,
    /// The part of the product, which stands behind the title.
    pub part: &'a str,
    /// The address of the style sheet.
    pub style: &'a str,
    /// The address of the icon.
    pub icon: Option<&'a str>,
    /// The address of the script, an ES module.
    pub script: Option<&'a str>,
}

/// A whole page in HTML. The first link of its body skips to the element with the id `content`.
pub fn page(head: &Head<'_>, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (head.title) " · " (head.part) }
                link rel="stylesheet" href=(head.style);
                @if let Some(icon) = head.icon { link rel="icon" href=(icon) type="image/svg+xml"; }
                @if let Some(script) = head.script { script type="module" src=(script) {} }
            }
            body {
                a.skip href="#content" { "Skip to the content" }
                (body)
            }
        }
    };
    page.into_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_the_files_that_its_head_names_and_no_others() {
        let head = Head { title: "Errors", part: "smsfactory", style: "/style.css", icon: None, script: None };
        let page = page(&head, &html! { main #content { "<here>" } });
        assert!(page.starts_with("<!DOCTYPE html>") && page.contains("<title>Errors · smsfactory</title>"), "{page}");
        assert!(page.contains("href=\"/style.css\"") && !page.contains("<script") && !page.contains("icon"), "{page}");
        assert!(page.contains("&lt;here&gt;"), "{page}");
    }
}
