/** A place where people may write. */
export const SANDBOX: readonly string[] = [
  `CREATE SCHEMA sandbox`,
  `CREATE TABLE sandbox.budget_plan (
     quarter VARCHAR NOT NULL, team VARCHAR NOT NULL, category VARCHAR NOT NULL, planned_amount DECIMAL(14, 2) NOT NULL, note VARCHAR)`,
  `INSERT INTO sandbox.budget_plan
     SELECT quarter, team, category, (num(row_number() OVER (), 'b1', 20, 400) * 1000)::DECIMAL(14, 2), NULL
     FROM unnest(['2026Q3', '2026Q4']) AS q(quarter), unnest(['ads', 'finance', 'infra']) AS t(team),
       unnest(['cloud', 'people', 'tools', 'travel']) AS c(category)
     ORDER BY ALL`,
]
