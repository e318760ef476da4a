//! Small numbers in the place of what a task line says again and again, and what is kept under them.

use std::ops::{Index, IndexMut};

use hashbrown::HashTable;

/// Up to so many values are looked through, one after the other; most task lines have one or two of each.
const FEW: usize = 8;

/// Values, each numbered when it is first met. A number is an index.
#[derive(Clone, Debug)]
pub(super) struct Numbering<T> {
    values: Vec<(u64, T)>,
    /// Numbers by hash, once there are many. It is looked up in and never walked.
    places: HashTable<(u64, u32)>,
}

impl<T> Default for Numbering<T> {
    fn default() -> Self {
        Self { values: Vec::new(), places: HashTable::new() }
    }
}

impl<T> Numbering<T> {
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(&T) -> bool) -> Option<u32> {
        let is_at = |number: u32| {
            let value = self.values.get(number as usize);
            value.is_some_and(|(other, value)| *other == hash && is_it(value))
        };
        match self.values.len() {
            0..=FEW => (0..self.values.len() as u32).find(|number| is_at(*number)),
            _ => self.places.find(hash, |(_, number)| is_at(*number)).map(|(_, number)| *number),
        }
    }

    pub(super) fn number(&mut self, hash: u64, is_it: impl Fn(&T) -> bool, make: impl FnOnce() -> T) -> u32 {
        self.find(hash, is_it).unwrap_or_else(|| self.add(hash, make()))
    }

    pub(super) fn add(&mut self, hash: u64, value: T) -> u32 {
        let number = self.values.len() as u32;
        self.values.push((hash, value));
        if self.values.len() > FEW {
            let unplaced = self.places.len() as u32..=number;
            for (number, (hash, _)) in unplaced.clone().zip(self.values.iter().skip(*unplaced.start() as usize)) {
                self.places.insert_unique(*hash, (*hash, number), |(hash, _)| *hash);
            }
        }
        number
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &T> {
        self.values.iter().map(|(_, value)| value)
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.values.iter_mut().map(|(_, value)| value)
    }

    pub(super) fn into_values(self) -> impl Iterator<Item = T> {
        self.values.into_iter().map(|(_, value)| value)
    }
}

#[expect(clippy::expect_used, reason = "only numbers that were given out are asked for")]
impl<T> Index<u32> for Numbering<T> {
    type Output = T;

    fn index(&self, number: u32) -> &T {
        &self.values.get(number as usize).expect("the number was given out").1
    }
}

#[expect(clippy::expect_used, reason = "only numbers that were given out are asked for")]
impl<T> IndexMut<u32> for Numbering<T> {
    fn index_mut(&mut self, number: u32) -> &mut T {
        &mut self.values.get_mut(number as usize).expect("the number was given out").1
    }
}

/// Values by number, sorted: new ones mostly have the greatest number yet.
#[derive(Clone, Debug)]
pub(super) struct Numbered<V>(Vec<(u32, V)>);

impl<V> Default for Numbered<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V> Numbered<V> {
    fn place(&self, number: u32) -> Result<usize, usize> {
        match self.0.last() {
            None => Err(0),
            Some((last, _)) if *last == number => Ok(self.0.len() - 1),
            Some((last, _)) if *last < number => Err(self.0.len()),
            Some(_) => self.0.binary_search_by_key(&number, |(number, _)| *number),
        }
    }

    pub(super) fn get(&self, number: u32) -> Option<&V> {
        self.0.get(self.place(number).ok()?).map(|(_, value)| value)
    }

    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut V> {
        let place = self.place(number).ok()?;
        self.0.get_mut(place).map(|(_, value)| value)
    }

    #[expect(clippy::expect_used, reason = "what was just put there is there")]
    pub(super) fn entry(&mut self, number: u32, make: impl FnOnce() -> V) -> &mut V {
        let place = self.place(number).unwrap_or_else(|place| {
            self.0.insert(place, (number, make()));
            place
        });
        &mut self.0.get_mut(place).expect("it is there").1
    }

    pub(super) fn insert(&mut self, number: u32, value: V) {
        match self.place(number) {
            Ok(place) => {
                if let Some((_, before)) = self.0.get_mut(place) {
                    *before = value;
                }
            }
            Err(place) => self.0.insert(place, (number, value)),
        }
    }

    pub(super) fn remove(&mut self, number: u32) -> Option<V> {
        self.place(number).ok().map(|place| self.0.remove(place).1)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn numbers(&self) -> impl Iterator<Item = u32> {
        self.0.iter().map(|(number, _)| *number)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &V)> {
        self.0.iter().map(|(number, value)| (*number, value))
    }

    pub(super) fn into_iter(self) -> impl Iterator<Item = (u32, V)> {
        self.0.into_iter()
    }
}

/// A set of numbers.
pub(super) type Numbers = Numbered<()>;

impl Numbers {
    /// Whether it is new.
    pub(super) fn join(&mut self, number: u32) -> bool {
        let place = self.place(number);
        if let Err(place) = place {
            self.0.insert(place, (number, ()));
        }
        place.is_err()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_value_keeps_the_number_that_it_got_first(values in prop::collection::vec(0_u64..30, 0..80)) {
            let (mut numbering, mut first) = (Numbering::default(), BTreeMap::new());
            for value in values {
                let next = first.len() as u32;
                let number = numbering.number(value % 7, |known| *known == value, || value);
                prop_assert_eq!(number, *first.entry(value).or_insert(next));
                prop_assert_eq!(numbering[number], value);
                prop_assert_eq!(numbering.find(value % 7, |known| *known == value), Some(number));
                prop_assert_eq!(numbering.find(3, |known| *known == 99), None);
            }
        }

        #[test]
        fn values_by_number_are_those_of_a_map(steps in prop::collection::vec((0_u32..9, 0_u8..4), 0..60)) {
            let (mut ours, mut theirs) = (Numbered::default(), BTreeMap::new());
            for (number, step) in steps {
                match step {
                    0 => prop_assert_eq!(ours.remove(number), theirs.remove(&number)),
                    1 => {
                        ours.insert(number, step);
                        theirs.insert(number, step);
                    }
                    _ => {
                        *ours.entry(number, || 9) += step;
                        *theirs.entry(number).or_insert(9) += step;
                    }
                }
                prop_assert_eq!(ours.get(number), theirs.get(&number));
                prop_assert_eq!(ours.len(), theirs.len());
            }
            prop_assert!(ours.into_iter().eq(theirs));
        }
    }
}
