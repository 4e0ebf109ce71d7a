//! Formulas: the TeX that they were written in, where the page still has it; else `MathML` on one line.

use dom_query::NodeRef;

/// A formula as text; `None`: it is empty.
pub(super) fn of(math: &NodeRef<'_>) -> Option<String> {
    let tex = math.descendants_it().find(|node| {
        let is_annotation = node.node_name().is_some_and(|name| &*name == "annotation");
        is_annotation && node.attr_or("encoding", "").contains("x-tex")
    });
    let tex = tex.map(|tex| super::head::one_line(&tex.text())).filter(|tex| !tex.is_empty());
    let text = tex.or_else(|| {
        let mut out = String::new();
        line(math, &mut out);
        Some(super::head::one_line(&out))
    })?;
    (!text.is_empty()).then_some(text)
}

fn line(node: &NodeRef<'_>, out: &mut String) {
    if node.is_text() {
        out.push_str(&node.text());
        return;
    }
    let name = node.node_name().unwrap_or_default();
    let children = node.element_children();
    let part = |at: usize, out: &mut String| {
        let Some(child) = children.get(at) else { return };
        let mut inner = String::new();
        line(child, &mut inner);
        let inner = inner.trim();
        let is_long = inner.chars().count() > 1 && !inner.chars().all(char::is_alphanumeric);
        out.push_str(if is_long { "(" } else { "" });
        out.push_str(inner);
        out.push_str(if is_long { ")" } else { "" });
    };
    let signs: &[&str] = match &*name {
        "mfrac" => &["/"],
        "msup" | "mover" => &["^"],
        "msub" | "munder" => &["_"],
        "msubsup" | "munderover" => &["_", "^"],
        "mroot" => &["^1/"],
        "msqrt" => {
            out.push('√');
            let mut inner = String::new();
            for child in &children {
                line(child, &mut inner);
            }
            out.push('(');
            out.push_str(inner.trim());
            out.push(')');
            return;
        }
        "annotation" | "annotation-xml" => return,
        "mo" => {
            let text = super::head::one_line(&node.text());
            // What is neither a bracket nor invisible stands between its sides.
            let is_between = text.chars().all(|c| "=+−-<>≤≥≠≈±×·→⇒∈≡,".contains(c)) && !text.is_empty();
            let text: String = text.chars().filter(|c| !matches!(c, '\u{2061}'..='\u{2064}')).collect();
            let space = if is_between { " " } else { "" };
            out.extend([space, &text, space]);
            return;
        }
        "mtr" | "mtd" | "mspace" => {
            node.children_it(false).for_each(|child| line(&child, out));
            out.push(' ');
            return;
        }
        _ => {
            node.children_it(false).for_each(|child| line(&child, out));
            return;
        }
    };
    part(0, out);
    for (at, sign) in signs.iter().enumerate() {
        out.push_str(sign);
        part(at + 1, out);
    }
}

#[cfg(test)]
mod tests {
    use dom_query::Document;

    fn read(html: &str) -> Option<String> {
        let document = Document::from(html);
        let math = document.select_single("math");
        math.nodes().first().and_then(super::of)
    }

    #[test]
    fn a_formula_is_its_tex_or_one_line() {
        let tex = "<math><semantics><mrow><mi>x</mi></mrow><annotation encoding='application/x-tex'>x \\over 2</annotation></semantics></math>";
        assert_eq!(read(tex).as_deref(), Some("x \\over 2"));
        let quadratic = "<math><mi>x</mi><mo>=</mo><mfrac><mrow><mo>−</mo><mi>b</mi><mo>±</mo><msqrt><msup><mi>b</mi><mn>2</mn></msup>\
                         <mo>−</mo><mn>4</mn><mi>a</mi><mi>c</mi></msqrt></mrow><mrow><mn>2</mn><mi>a</mi></mrow></mfrac></math>";
        assert_eq!(read(quadratic).as_deref(), Some("x = (− b ± √(b^2 − 4ac))/2a"));
        assert_eq!(read("<math></math>"), None);
    }
}
