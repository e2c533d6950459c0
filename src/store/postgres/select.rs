//! A query that grows by its conditions. What is asked for is a parameter, never a part of the text.

use std::fmt::Write;

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};

use super::fault::fault;
use super::value::Key;
use crate::id::Id;
use crate::store::{Order, Page, Paging, StoreError};

/// A parameter of a query.
pub(super) type Parameter = Box<dyn ToSql + Sync + Send>;

/// A query of a table whose rows come in the order of an id.
pub(super) struct Select {
    sql: String,
    parameters: Vec<(Parameter, Type)>,
    /// Conditions of which one has to hold, each of which has an index that gives the order.
    alternatives: Vec<String>,
    /// Whether something is asked for that no row can have.
    is_hopeless: bool,
}

impl Select {
    /// Begins a query that ends in `WHERE` with the bounds of an id.
    pub(super) fn new(what: &str, id: &'static str, (first, last): (Id, Id)) -> Self {
        let mut select = Self {
            sql: format!("{what} WHERE true"),
            parameters: Vec::new(),
            alternatives: Vec::new(),
            is_hopeless: false,
        };
        if first > Id::MIN {
            select.and(&format!("{id} >= ?"), Key(first), Type::UUID);
        }
        if last < Id::MAX {
            select.and(&format!("{id} <= ?"), Key(last), Type::UUID);
        }
        select
    }

    /// Adds a condition, in which `?` stands for a value.
    pub(super) fn and(&mut self, condition: &str, value: impl ToSql + Sync + Send + 'static, ty: Type) {
        let condition = self.filled(condition, value, ty);
        let _infallible = write!(self.sql, " AND {condition}");
    }

    fn filled(&mut self, condition: &str, value: impl ToSql + Sync + Send + 'static, ty: Type) -> String {
        self.parameters.push((Box::new(value), ty));
        condition.replace('?', &format!("${}", self.parameters.len()))
    }

    /// Adds a condition about one of a few texts, where an index has the rows of each in the order of their ids: each is asked
    /// for by itself, since no index has those of several in that order.
    pub(super) fn one_of_few(&mut self, condition: &str, texts: &[&'static str]) {
        let conditions: Vec<_> =
            texts.iter().map(|text| self.filled(condition, (*text).to_owned(), Type::TEXT)).collect();
        self.alternatives = conditions;
    }

    /// Adds a condition about a text, if there is one.
    pub(super) fn text(&mut self, condition: &str, text: Option<&str>) {
        let Some(text) = text else { return };
        // No text in Postgres has that character.
        self.is_hopeless |= text.contains('\0');
        self.and(condition, text.to_owned(), Type::TEXT);
    }

    /// Adds a condition about one of several texts, if there are any.
    pub(super) fn one_of(&mut self, condition: &str, texts: Vec<String>) {
        if !texts.is_empty() {
            self.is_hopeless |= texts.iter().all(|text| text.contains('\0'));
            let texts: Vec<_> = texts.into_iter().filter(|text| !text.contains('\0')).collect();
            self.and(condition, texts, Type::TEXT_ARRAY);
        }
    }

    /// Adds a condition about a member of an object: `?` stands for its key, `!` for its value.
    pub(super) fn member(&mut self, condition: &str, key: &str, value: Parameter, ty: Type) {
        self.is_hopeless |= key.contains('\0');
        self.parameters.push((value, ty));
        let place = format!("${}", self.parameters.len());
        self.and(&condition.replace('!', &place), key.to_owned(), Type::TEXT);
    }

    /// Notes that nothing can be found.
    pub(super) fn hopeless(&mut self) {
        self.is_hopeless = true;
    }

    /// Asks for a page, and makes a thing of each row.
    pub(super) async fn page<T>(
        mut self,
        client: &Client,
        paging: &Paging,
        id: &'static str,
        operation: &'static str,
        read: impl Fn(&Row) -> Result<T, tokio_postgres::Error>,
        id_of: impl Fn(&T) -> Id,
    ) -> Result<Page<T>, StoreError> {
        if self.is_hopeless {
            return Ok(Page::default());
        }
        let order = if paging.order() == Order::NewestFirst { "DESC" } else { "ASC" };
        // One more says whether there is another page. Both are numbers of ours, within bounds.
        let (limit, offset) = (paging.limit() + 1, paging.offset());
        if !self.alternatives.is_empty() {
            let most = limit + offset;
            let each =
                |condition: &String| format!("({} AND {condition} ORDER BY {id} {order} LIMIT {most})", self.sql);
            let each: Vec<_> = self.alternatives.iter().map(each).collect();
            self.sql = format!("SELECT * FROM ({}) AS every", each.join(" UNION ALL "));
        }
        let _infallible = write!(self.sql, " ORDER BY {id} {order} LIMIT {limit} OFFSET {offset}");
        let rows = self.rows(client, operation).await?;
        let things: Result<Vec<T>, _> = rows.iter().map(read).collect();
        let things = things.map_err(|error| fault(operation, error))?;
        // The offset is behind us.
        Ok(Paging { offset: 0, ..*paging }.page(things.into_iter(), id_of))
    }

    /// Asks for the one row, if it is there.
    pub(super) async fn one(self, client: &Client, operation: &'static str) -> Result<Option<Row>, StoreError> {
        if self.is_hopeless {
            return Ok(None);
        }
        Ok(self.rows(client, operation).await?.into_iter().next())
    }

    async fn rows(&self, client: &Client, operation: &'static str) -> Result<Vec<Row>, StoreError> {
        let parameters: Vec<(&(dyn ToSql + Sync), Type)> =
            self.parameters.iter().map(|(value, ty)| (&**value as &(dyn ToSql + Sync), ty.clone())).collect();
        client.query_typed(&self.sql, &parameters).await.map_err(|error| fault(operation, error))
    }
}
