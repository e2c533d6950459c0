//! Finds what is the same at every step of a range, so that it is evaluated once.

use super::node::{Node, Points, Range};

/// What is known of a part.
#[derive(Clone, Copy)]
struct Mark {
    /// It is the same at every step.
    constant: bool,
    /// It costs something, so that it pays to evaluate it once.
    pays: bool,
}

/// Marks the largest parts of a query that are the same at every step.
pub(super) fn mark_root(root: &mut Node) {
    let mark = mark(root);
    wrap(root, mark.pays);
}

fn wrap(node: &mut Node, pays: bool) {
    if pays {
        let inner = std::mem::replace(node, Node::Number(0.0));
        *node = Node::Constant(Box::new(inner));
    }
}

fn mark(node: &mut Node) -> Mark {
    match node {
        Node::Number(_) | Node::Text(_) => Mark { constant: true, pays: false },
        Node::Select(selector) => Mark { constant: selector.shift.is_fixed(), pays: selector.shift.is_fixed() },
        Node::Range(range) => mark_range(range),
        Node::Aggregate { vector, .. } => mark(vector),
        Node::Relabel { vector, .. } => {
            let constant = mark(vector).constant;
            Mark { constant, pays: constant }
        }
        Node::Negate(inner) => mark(inner),
        Node::Binary(binary) => {
            let (left, right) = (mark(&mut binary.left), mark(&mut binary.right));
            let constant = left.constant && right.constant;
            if !constant {
                wrap(&mut binary.left, left.pays);
                wrap(&mut binary.right, right.pays);
            }
            Mark { constant, pays: constant }
        }
        Node::OverRange { function, range, parameters } => {
            let constant = mark_range(range).constant & !function.depends_on_time();
            mark_all(parameters, constant)
        }
        Node::Call { function, arguments } => {
            let constant = !function.depends_on_time();
            mark_all(arguments, constant)
        }
        Node::Constant(_) => Mark { constant: true, pays: false },
    }
}

/// Marks arguments; the whole is constant when all of them are.
fn mark_all(arguments: &mut [Node], constant: bool) -> Mark {
    let marks: Vec<Mark> = arguments.iter_mut().map(mark).collect();
    let constant = constant && marks.iter().all(|mark| mark.constant);
    if !constant {
        for (argument, mark) in arguments.iter_mut().zip(marks) {
            wrap(argument, mark.pays);
        }
    }
    Mark { constant, pays: constant }
}

/// The range itself is not wrapped: its points have times of their own.
fn mark_range(range: &mut Range) -> Mark {
    if let Points::Subquery { query, .. } = &mut range.points {
        let inner = mark(query);
        wrap(query, inner.constant);
    }
    Mark { constant: range.shift.is_fixed(), pays: false }
}
