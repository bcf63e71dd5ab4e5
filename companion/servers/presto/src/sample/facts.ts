interface Facts {
  readonly table: string
  readonly owner: string
  readonly comment: string
  readonly partitionedBy?: readonly string[]
  readonly columns: Readonly<Record<string, string>>
}

/** What the catalog says about the sample's tables. */
const FACTS: readonly Facts[] = [
  {
    table: 'tpch.region',
    owner: 'Data Platform',
    comment: 'Sales regions of the world',
    columns: { r_regionkey: 'Key of the region', r_name: 'Name in capitals, such as EUROPE' },
  },
  {
    table: 'tpch.nation',
    owner: 'Data Platform',
    comment: 'Countries, each in one region',
    columns: {
      n_nationkey: 'Key of the country',
      n_name: 'Name in capitals',
      n_regionkey: 'The region it belongs to (region.r_regionkey)',
    },
  },
  {
    table: 'tpch.supplier',
    owner: 'Supply Chain',
    comment: 'Companies that deliver parts',
    columns: {
      s_suppkey: 'Key of the supplier',
      s_nationkey: 'Its country (nation.n_nationkey)',
      s_acctbal: 'Account balance in US dollars',
    },
  },
  {
    table: 'tpch.customer',
    owner: 'Sales',
    comment: 'Customers with market segment and balance; a third of them have never ordered',
    columns: {
      c_custkey: 'Key of the customer',
      c_nationkey: 'Country (nation.n_nationkey)',
      c_mktsegment: 'AUTOMOBILE, BUILDING, FURNITURE, HOUSEHOLD or MACHINERY',
      c_acctbal: 'Account balance in US dollars',
    },
  },
  {
    table: 'tpch.part',
    owner: 'Supply Chain',
    comment: 'Parts that are sold',
    columns: {
      p_partkey: 'Key of the part',
      p_brand: 'Brand within the manufacturer',
      p_retailprice: 'List price in US dollars',
    },
  },
  {
    table: 'tpch.partsupp',
    owner: 'Supply Chain',
    comment: 'Which supplier delivers which part, at what cost',
    columns: {
      ps_partkey: 'The part (part.p_partkey)',
      ps_suppkey: 'The supplier (supplier.s_suppkey)',
      ps_availqty: 'Pieces in stock',
      ps_supplycost: 'Cost per piece in US dollars',
    },
  },
  {
    table: 'tpch.orders',
    owner: 'Sales',
    comment: 'Customer orders from 1992 to 1998, one row per order',
    partitionedBy: ['o_orderdate'],
    columns: {
      o_orderkey: 'Key of the order',
      o_custkey: 'Who ordered (customer.c_custkey)',
      o_orderstatus: 'F fulfilled, O open, P partly',
      o_totalprice: 'Sum of the lines with tax and discount, US dollars',
      o_orderdate: 'Day of the order',
      o_orderpriority: '1-URGENT to 5-LOW',
    },
  },
  {
    table: 'tpch.lineitem',
    owner: 'Sales',
    comment: 'Lines of the orders: part, supplier, quantity, price, shipping',
    partitionedBy: ['l_shipdate'],
    columns: {
      l_orderkey: 'The order (orders.o_orderkey)',
      l_partkey: 'The part (part.p_partkey)',
      l_suppkey: 'The supplier (supplier.s_suppkey)',
      l_extendedprice: 'Quantity times list price, US dollars',
      l_discount: 'Fraction, 0.00 to 0.10',
      l_returnflag: 'R returned, A accepted, N not yet',
      l_shipdate: 'Day it was shipped',
    },
  },
  {
    table: 'ads.campaigns',
    owner: 'Ads Measurement',
    comment: 'Advertising campaigns with budget and dates',
    columns: {
      campaign_id: 'Key of the campaign',
      advertiser: 'Customer who pays',
      channel: 'search, feed, video or shopping',
      daily_budget: 'Most it may spend in a day, US dollars',
    },
  },
  {
    table: 'ads.campaign_revenue',
    owner: 'Ads Measurement',
    comment: 'Revenue and spend per campaign and day. Confidential: ads team only',
    partitionedBy: ['day'],
    columns: {
      day: 'Day, UTC',
      campaign_id: 'The campaign (campaigns.campaign_id)',
      spend: 'Paid by the advertiser, US dollars',
      revenue: 'Sales credited to the campaign, US dollars',
    },
  },
  {
    table: 'sandbox.budget_plan',
    owner: 'Finance Planning',
    comment: 'Planned spending by quarter, team and category; may be changed',
    columns: {
      quarter: 'Such as 2026Q4',
      team: 'ads, finance or infra',
      category: 'cloud, people, tools or travel',
      planned_amount: 'US dollars',
    },
  },
]

/** Comments go where DuckDB keeps them, the rest into a table of its own. The sample's data is as old as the sample. */
export function factStatements(): readonly string[] {
  const statements = [
    'CREATE SCHEMA meta',
    'CREATE TABLE meta.table_facts (schema_name VARCHAR, table_name VARCHAR, owner VARCHAR, partitioned_by VARCHAR[], updated_at TIMESTAMPTZ)',
  ]
  for (const { table, owner, comment, partitionedBy, columns } of FACTS) {
    const [schema = '', name = ''] = table.split('.')
    const keys = (partitionedBy ?? []).map(literal).join(', ')
    statements.push(
      `INSERT INTO meta.table_facts VALUES (${literal(schema)}, ${literal(name)}, ${literal(owner)}, [${keys}]::VARCHAR[], now())`,
      `COMMENT ON TABLE ${table} IS ${literal(comment)}`,
      ...Object.entries(columns).map(([column, text]) => `COMMENT ON COLUMN ${table}.${column} IS ${literal(text)}`),
    )
  }
  return statements
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
