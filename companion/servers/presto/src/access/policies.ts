/**
 * Which tables a person may read and change, on top of the server's record (its groups, surfaces and status). A resource is `schema.table`;
 * kind `table` is asked for reading, `writable_table` for changing. What nothing here permits is denied. The cases that hold it are in
 * policy-cases.ts.
 */
export const POLICIES = `
@id("tpch-read")
permit (principal is User, action == Action::"read", resource is Resource)
when { resource.kind == "table" && resource.name like "tpch.*" };

@id("sandbox-read")
permit (principal is User, action == Action::"read", resource is Resource)
when { resource.kind == "table" && resource.name like "sandbox.*" };

@id("sandbox-write")
permit (principal is User, action == Action::"read", resource is Resource)
when { resource.kind == "writable_table" && resource.name like "sandbox.*" };

@id("ads-read")
permit (principal in Group::"ads", action == Action::"read", resource is Resource)
when { resource.kind == "table" && resource.name like "ads.*" };

@id("ads-team-only")
@reason("needs the group ads")
forbid (principal, action == Action::"read", resource is Resource)
when { resource.kind == "table" && resource.name like "ads.*" }
unless { principal in Group::"ads" };

@id("read-only-tables")
@reason("only tables of the schema sandbox may be changed")
forbid (principal, action == Action::"read", resource is Resource)
when { resource.kind == "writable_table" }
unless { resource.name like "sandbox.*" };
`
