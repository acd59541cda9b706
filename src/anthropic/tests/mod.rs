//! The wire, both ways, by table.
