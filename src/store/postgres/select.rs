//! A query that grows by its conditions. What is asked for is a parameter, never a part of the text.

use std::fmt::Write;

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row};

use super::fault::fault;
use super::partition::Partitioned;
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
    id: &'static str,
    /// The first and the last id that is wanted.
    bounds: (Id, Id),
    /// Whether something is asked for that no row can have.
    is_hopeless: bool,
}

impl Select {
    /// Begins a query that ends in `WHERE`, between two ids.
    pub(super) fn new(what: &str, id: &'static str, bounds: (Id, Id)) -> Self {
        let (sql, parameters, alternatives) = (format!("{what} WHERE true"), Vec::new(), Vec::new());
        Self { sql, parameters, alternatives, id, bounds, is_hopeless: false }
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
        self,
        client: &Client,
        paging: &Paging,
        operation: &'static str,
        read: impl Fn(&Row) -> Result<T, Error>,
        id_of: impl Fn(&T) -> Id,
    ) -> Result<Page<T>, StoreError> {
        let all = [self.bounds];
        self.page_of(client, &all, paging, operation, read, id_of).await
    }

    /// Asks for a page of a table with many partitions: of a few at a time, in the order that is wanted, until it is full.
    /// For each partition that a statement may touch, the server takes locks and makes plans, whether it has rows or not.
    pub(super) async fn page_over<T>(
        self,
        client: &Client,
        table: &Partitioned,
        paging: &Paging,
        operation: &'static str,
        read: impl Fn(&Row) -> Result<T, Error>,
        id_of: impl Fn(&T) -> Id,
    ) -> Result<Page<T>, StoreError> {
        if self.is_hopeless {
            return Ok(Page::default());
        }
        let mut windows = table.windows(client, self.bounds, paging.order(), operation).await?;
        if paging.offset() > 0 && windows.len() > 1 {
            // How many rows of a window were passed over is not known where it has none to give.
            windows = vec![windows[0], self.bounds];
        }
        self.page_of(client, &windows, paging, operation, read, id_of).await
    }

    async fn page_of<T>(
        self,
        client: &Client,
        windows: &[(Id, Id)],
        paging: &Paging,
        operation: &'static str,
        read: impl Fn(&Row) -> Result<T, Error>,
        id_of: impl Fn(&T) -> Id,
    ) -> Result<Page<T>, StoreError> {
        let mut things = Vec::new();
        if self.is_hopeless {
            return Ok(Page::default());
        }
        for window in windows {
            if paging.offset() > 0 {
                things.clear();
            }
            // One more says whether there is another page.
            let wanted = paging.limit() + 1 - things.len();
            let rows = self.rows(client, *window, Some((paging, wanted)), operation).await?;
            for row in &rows {
                things.push(read(row).map_err(|error| fault(operation, error))?);
            }
            if things.len() > paging.limit() {
                break;
            }
        }
        // The offset is behind us.
        Ok(Paging { offset: 0, ..*paging }.page(things.into_iter(), id_of))
    }

    /// Asks for the one row, if it is there.
    pub(super) async fn one(self, client: &Client, operation: &'static str) -> Result<Option<Row>, StoreError> {
        if self.is_hopeless {
            return Ok(None);
        }
        Ok(self.rows(client, self.bounds, None, operation).await?.into_iter().next())
    }

    async fn rows(
        &self,
        client: &Client,
        (first, last): (Id, Id),
        part: Option<(&Paging, usize)>,
        operation: &'static str,
    ) -> Result<Vec<Row>, StoreError> {
        let (mut sql, id) = (self.sql.clone(), self.id);
        let (first, last) = (Key(first), Key(last));
        let mut parameters: Vec<(&(dyn ToSql + Sync), Type)> =
            self.parameters.iter().map(|(value, ty)| (&**value as &(dyn ToSql + Sync), ty.clone())).collect();
        for (end, is, does_limit) in [(&first, ">=", first.0 > Id::MIN), (&last, "<=", last.0 < Id::MAX)] {
            if does_limit {
                parameters.push((end, Type::UUID));
                let _infallible = write!(sql, " AND {id} {is} ${}", parameters.len());
            }
        }
        if let Some((paging, wanted)) = part {
            let order = if paging.order() == Order::NewestFirst { "DESC" } else { "ASC" };
            if !self.alternatives.is_empty() {
                let most = wanted + paging.offset();
                let each = |condition: &String| format!("({sql} AND {condition} ORDER BY {id} {order} LIMIT {most})");
                let each: Vec<_> = self.alternatives.iter().map(each).collect();
                sql = format!("SELECT * FROM ({}) AS every", each.join(" UNION ALL "));
            }
            // Both are numbers of ours, within bounds.
            let _infallible = write!(sql, " ORDER BY {id} {order} LIMIT {wanted} OFFSET {}", paging.offset());
        }
        client.query_typed(&sql, &parameters).await.map_err(|error| fault(operation, error))
    }
}
