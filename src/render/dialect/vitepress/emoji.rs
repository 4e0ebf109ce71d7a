//! Emoji by name.

/// The names that people use; others stay as they are written.
const NAMES: &[(&str, &str)] = &[
    ("+1", "👍"),
    ("100", "💯"),
    ("-1", "👎"),
    ("art", "🎨"),
    ("boom", "💥"),
    ("bug", "🐛"),
    ("bulb", "💡"),
    ("book", "📖"),
    ("books", "📚"),
    ("clap", "👏"),
    ("computer", "💻"),
    ("construction", "🚧"),
    ("exclamation", "❗"),
    ("eyes", "👀"),
    ("fire", "🔥"),
    ("gear", "⚙️"),
    ("gift", "🎁"),
    ("globe_with_meridians", "🌐"),
    ("hammer", "🔨"),
    ("heart", "❤️"),
    ("heavy_check_mark", "✔️"),
    ("information_source", "ℹ️"),
    ("key", "🔑"),
    ("link", "🔗"),
    ("lock", "🔒"),
    ("mag", "🔍"),
    ("memo", "📝"),
    ("ok_hand", "👌"),
    ("package", "📦"),
    ("pencil", "📝"),
    ("point_right", "👉"),
    ("pushpin", "📌"),
    ("question", "❓"),
    ("rocket", "🚀"),
    ("rotating_light", "🚨"),
    ("smile", "😄"),
    ("smiley", "😃"),
    ("sparkles", "✨"),
    ("star", "⭐"),
    ("sunglasses", "😎"),
    ("tada", "🎉"),
    ("thumbsup", "👍"),
    ("tools", "🛠️"),
    ("warning", "⚠️"),
    ("wave", "👋"),
    ("white_check_mark", "✅"),
    ("wink", "😉"),
    ("wrench", "🔧"),
    ("x", "❌"),
    ("zap", "⚡"),
];

/// A line with its emoji; what stands in code stays.
pub(in crate::render::dialect) fn with_emoji(line: &str) -> String {
    /// No name is longer.
    const MAX_BYTES: usize = 24;
    let (mut out, mut rest, mut in_code) = (String::with_capacity(line.len()), line, false);
    while let Some(at) = rest.find([':', '`']) {
        out.push_str(&rest[..at]);
        let sign = &rest[at..=at];
        rest = &rest[at + 1..];
        in_code ^= sign == "`";
        let near = rest.bytes().take(MAX_BYTES + 1);
        let end = if in_code || sign == "`" { None } else { near.into_iter().position(|byte| byte == b':') };
        let found = end.and_then(|end| Some((end, NAMES.iter().find(|(name, _)| *name == &rest[..end])?.1)));
        match found {
            Some((end, sign)) => {
                out.push_str(sign);
                rest = &rest[end + 1..];
            }
            None => out.push_str(sign),
        }
    }
    out + rest
}
