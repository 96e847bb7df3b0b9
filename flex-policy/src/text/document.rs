use crate::json::{InvalidJson, Member, Node, Value, read};

/// A policy's text, read.
#[derive(Clone, Debug)]
pub(crate) struct PolicyText<'a> {
    pub(crate) text: &'a str,
    pub(crate) root: Node,
}

/// Where the statements of a policy are.
pub(crate) enum Place<'a> {
    /// There is no `Statement`.
    Missing,
    /// `Statement` is one object, which IAM takes, too.
    Single(&'a Node),
    /// The list, and what is in it.
    List(&'a Node, &'a [Node]),
}

impl<'a> PolicyText<'a> {
    /// Reads a text that must be JSON and have the outline of a policy.
    pub(crate) fn read(text: &'a str) -> Result<Self, PolicyTextError> {
        let read = read(text).map_err(PolicyTextError::Json)?;
        if let Some((first, _)) = read.slips.into_iter().next() {
            return Err(PolicyTextError::Json(first));
        }
        PolicyText::of(text, read.root)
    }

    /// The same for what was read already.
    pub(crate) fn of(text: &'a str, root: Node) -> Result<Self, PolicyTextError> {
        let shape =
            |path: String, node: &Node, expected| Err(PolicyTextError::Shape { path, found: node.sort(), expected });
        let Value::Object(members) = &root.value else { return shape("$".to_owned(), &root, "an object") };
        let mut statements = members.iter().filter(|member| member.key == "Statement");
        let first = statements.next();
        if statements.next().is_some() {
            return Err(PolicyTextError::TwoStatementLists);
        }
        match first {
            Some(Member { value: Node { value: Value::Array(items), .. }, .. }) => {
                if let Some((index, item)) = items.iter().enumerate().find(|(_, item)| item.members().is_none()) {
                    return shape(format!("$.Statement[{index}]"), item, "an object");
                }
            }
            Some(Member { value, .. }) if value.members().is_none() => {
                return shape("$.Statement".to_owned(), value, "a list of objects");
            }
            _ => {}
        }
        Ok(PolicyText { text, root })
    }

    pub(crate) fn place(&self) -> Place<'_> {
        match self.root.get("Statement") {
            None => Place::Missing,
            Some(node) => match &node.value {
                Value::Array(items) => Place::List(node, items),
                _ => Place::Single(node),
            },
        }
    }

    /// The statements, each with its path.
    pub(crate) fn statements(&self) -> Vec<(String, &Node)> {
        match self.place() {
            Place::Missing => Vec::new(),
            Place::Single(node) => vec![("$.Statement".to_owned(), node)],
            Place::List(_, items) => {
                items.iter().enumerate().map(|(index, item)| (format!("$.Statement[{index}]"), item)).collect()
            }
        }
    }
}

/// Why a text cannot be worked with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyTextError {
    /// It is not JSON.
    #[error("the policy is not valid JSON: {0}")]
    Json(InvalidJson),
    /// It is JSON but not a policy.
    #[error("this is not a policy: {path} is {found}, expected {expected}")]
    Shape {
        /// The place.
        path: String,
        /// What is there.
        found: &'static str,
        /// What should be.
        expected: &'static str,
    },
    /// Which of the two counts nobody knows.
    #[error("the policy has \"Statement\" twice; put all statements into one list")]
    TwoStatementLists,
}
