//! Names as numbers, as long as something has them.

use std::sync::Arc;

use hashbrown::HashMap;

/// Gives each name a number, and takes it back when nothing has the name any more.
#[derive(Debug, Default)]
pub(super) struct Names {
    numbers: HashMap<Arc<str>, u32>,
    /// By number: the name, and how many have it.
    names: Vec<(Arc<str>, u64)>,
    free: Vec<u32>,
    /// The number that was asked for last; names come in runs.
    last: u32,
}

impl Names {
    pub(super) fn get(&self, name: &str) -> Option<u32> {
        self.numbers.get(name).copied()
    }

    /// Counts one more that has the name.
    pub(super) fn raise(&mut self, name: &str) -> u32 {
        if let Some((last, count)) = self.names.get_mut(self.last as usize)
            && *count > 0
            && **last == *name
        {
            *count += 1;
            return self.last;
        }
        self.last = self.find(name);
        self.names[self.last as usize].1 += 1;
        self.last
    }

    fn find(&mut self, name: &str) -> u32 {
        if let Some(number) = self.get(name) {
            return number;
        }
        let name: Arc<str> = name.into();
        let number = if let Some(number) = self.free.pop() {
            self.names[number as usize] = (Arc::clone(&name), 0);
            number
        } else {
            self.names.push((Arc::clone(&name), 0));
            // A ring of four thousand million things would be needed for more.
            u32::try_from(self.names.len() - 1).unwrap_or(u32::MAX)
        };
        self.numbers.insert(name, number);
        number
    }

    /// Counts one less that has the name.
    pub(super) fn lower(&mut self, number: u32) {
        let Some((name, count)) = self.names.get_mut(number as usize) else { return };
        *count = count.saturating_sub(1);
        if *count == 0 {
            self.numbers.remove(&**name);
            *name = "".into();
            self.free.push(number);
        }
    }

    #[cfg(test)]
    fn len(&self) -> (usize, usize) {
        (self.numbers.len(), self.names.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_given_again_when_nothing_has_the_name() {
        let mut names = Names::default();
        let kept = names.raise("kept");
        for round in 0..1000 {
            let name = format!("name {round}");
            let number = names.raise(&name);
            assert_eq!((names.raise(&name), names.get(&name)), (number, Some(number)));
            names.lower(number);
            assert_eq!(names.get(&name), Some(number));
            names.lower(number);
            assert_eq!(names.get(&name), None);
        }
        assert_eq!((names.raise("kept"), names.len()), (kept, (1, 2)));
    }
}
