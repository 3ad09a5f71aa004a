//! The inventory of what was appended, and the plan of what to fetch next.
