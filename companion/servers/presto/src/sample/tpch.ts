/** The eight tables of TPC-H at about scale 0.01, with its column names and its rules of what refers to what; the values are our own. */
export const TPCH: readonly string[] = [
  `CREATE TEMP MACRO num(i, salt, low, high) AS low + (hash(i, salt) % (high - low + 1)::UBIGINT)::BIGINT`,
  `CREATE TEMP MACRO pick(items, i, salt) AS items[1 + (hash(i, salt) % len(items)::UBIGINT)::BIGINT]`,
  `CREATE TEMP MACRO phone(i, nation) AS
     (10 + nation) || '-' || num(i, 'p1', 100, 999) || '-' || num(i, 'p2', 100, 999) || '-' || num(i, 'p3', 1000, 9999)`,
  `CREATE TEMP MACRO remark(i, salt) AS
     pick(['express', 'regular', 'special', 'pending', 'final', 'bulk', 'quiet', 'careful'], i, salt || 'a') || ' ' ||
     pick(['packages', 'requests', 'accounts', 'deposits', 'invoices', 'instructions'], i, salt || 'b') || ' ' ||
     pick(['were checked', 'wait for a signature', 'arrived on time', 'are held at customs', 'need a new label'], i, salt || 'c') || ' ' ||
     pick(['at the depot', 'by the night shift', 'before the weekend', 'after the audit', 'for the branch office'], i, salt || 'd')`,
  `CREATE SCHEMA tpch`,
  `CREATE TABLE tpch.region AS
     SELECT (i - 1)::INTEGER AS r_regionkey, ['AFRICA', 'AMERICA', 'ASIA', 'EUROPE', 'MIDDLE EAST'][i] AS r_name, remark(i, 'region') AS r_comment
     FROM range(1, 6) AS t(i)`,
  `CREATE TABLE tpch.nation AS
     SELECT n.key::INTEGER AS n_nationkey, n.name AS n_name, n.region::INTEGER AS n_regionkey, remark(n.key, 'nation') AS n_comment
     FROM (VALUES (0, 'ALGERIA', 0), (1, 'ARGENTINA', 1), (2, 'BRAZIL', 1), (3, 'CANADA', 1), (4, 'EGYPT', 4), (5, 'ETHIOPIA', 0),
       (6, 'FRANCE', 3), (7, 'GERMANY', 3), (8, 'INDIA', 2), (9, 'INDONESIA', 2), (10, 'IRAN', 4), (11, 'IRAQ', 4), (12, 'JAPAN', 2),
       (13, 'JORDAN', 4), (14, 'KENYA', 0), (15, 'MOROCCO', 0), (16, 'MOZAMBIQUE', 0), (17, 'PERU', 1), (18, 'CHINA', 2),
       (19, 'ROMANIA', 3), (20, 'SAUDI ARABIA', 4), (21, 'VIETNAM', 2), (22, 'RUSSIA', 3), (23, 'UNITED KINGDOM', 3),
       (24, 'UNITED STATES', 1)) AS n(key, name, region)`,
  `CREATE TABLE tpch.supplier AS
     SELECT i AS s_suppkey, format('Supplier#{:09d}', i) AS s_name, num(i, 's1', 1, 999) || ' ' || pick(['Harbour Road', 'Mill Lane', 'Station Street', 'Dock Square'], i, 's2') AS s_address,
       num(i, 's3', 0, 24)::INTEGER AS s_nationkey, phone(i, num(i, 's3', 0, 24)) AS s_phone,
       (num(i, 's4', -99999, 999999) / 100)::DECIMAL(12, 2) AS s_acctbal, remark(i, 'supplier') AS s_comment
     FROM range(1, 101) AS t(i)`,
  `CREATE TABLE tpch.customer AS
     SELECT i AS c_custkey, format('Customer#{:09d}', i) AS c_name, num(i, 'c1', 1, 999) || ' ' || pick(['Oak Avenue', 'Park Road', 'High Street', 'Church Lane', 'Garden Way'], i, 'c2') AS c_address,
       num(i, 'c3', 0, 24)::INTEGER AS c_nationkey, phone(i, num(i, 'c3', 0, 24)) AS c_phone,
       (num(i, 'c4', -99999, 999999) / 100)::DECIMAL(12, 2) AS c_acctbal,
       pick(['AUTOMOBILE', 'BUILDING', 'FURNITURE', 'HOUSEHOLD', 'MACHINERY'], i, 'c5') AS c_mktsegment, remark(i, 'customer') AS c_comment
     FROM range(1, 1501) AS t(i)`,
  `CREATE TABLE tpch.part AS
     SELECT i AS p_partkey, pick(['almond', 'azure', 'coral', 'ivory', 'khaki', 'navy', 'olive', 'plum'], i, 'p1') || ' ' || pick(['bolt', 'bracket', 'gear', 'hinge', 'valve', 'washer'], i, 'p2') AS p_name,
       'Manufacturer#' || num(i, 'p3', 1, 5) AS p_mfgr, 'Brand#' || num(i, 'p3', 1, 5) || num(i, 'p4', 1, 5) AS p_brand,
       pick(['ECONOMY', 'LARGE', 'MEDIUM', 'PROMO', 'SMALL', 'STANDARD'], i, 'p5') || ' ' || pick(['ANODIZED', 'BRUSHED', 'PLATED', 'POLISHED'], i, 'p6') || ' ' || pick(['BRASS', 'COPPER', 'NICKEL', 'STEEL', 'TIN'], i, 'p7') AS p_type,
       num(i, 'p8', 1, 50)::INTEGER AS p_size, pick(['JUMBO', 'LG', 'MED', 'SM', 'WRAP'], i, 'p9') || ' ' || pick(['BAG', 'BOX', 'CASE', 'DRUM', 'PACK'], i, 'p10') AS p_container,
       ((90000 + (i // 10) % 20001 + 100 * (i % 1000)) / 100)::DECIMAL(12, 2) AS p_retailprice, remark(i, 'part') AS p_comment
     FROM range(1, 2001) AS t(i)`,
  `CREATE TABLE tpch.partsupp AS
     SELECT p.i AS ps_partkey, (p.i + s.i * 25 + (p.i - 1) // 100) % 100 + 1 AS ps_suppkey, num(p.i * 4 + s.i, 'ps1', 1, 9999)::INTEGER AS ps_availqty,
       (num(p.i * 4 + s.i, 'ps2', 100, 100000) / 100)::DECIMAL(12, 2) AS ps_supplycost, remark(p.i * 4 + s.i, 'partsupp') AS ps_comment
     FROM range(1, 2001) AS p(i), range(4) AS s(i)`,
  // A third of the customers never order, as in TPC-H.
  `CREATE TEMP TABLE drafts AS
     SELECT i AS orderkey, 3 * num(i, 'o1', 0, 499) + num(i, 'o2', 1, 2) AS custkey, DATE '1992-01-01' + num(i, 'o3', 0, 2405)::INTEGER AS orderdate,
       num(i, 'o4', 1, 7) AS lines
     FROM range(1, 15001) AS t(i)`,
  `CREATE TABLE tpch.lineitem AS
     WITH lines AS (SELECT *, unnest(range(1, lines + 1)) AS line FROM drafts),
       chosen AS (SELECT *, orderkey * 8 + line AS i, num(orderkey * 8 + line, 'l1', 1, 2000) AS partkey, num(orderkey * 8 + line, 'l2', 0, 3) AS source FROM lines),
       dated AS (SELECT *, orderdate + num(i, 'l3', 1, 121)::INTEGER AS shipdate FROM chosen)
     SELECT orderkey AS l_orderkey, partkey AS l_partkey, (partkey + source * 25 + (partkey - 1) // 100) % 100 + 1 AS l_suppkey, line::INTEGER AS l_linenumber,
       num(i, 'l4', 1, 50)::DECIMAL(12, 2) AS l_quantity, (num(i, 'l4', 1, 50) * p_retailprice)::DECIMAL(12, 2) AS l_extendedprice,
       (num(i, 'l5', 0, 10) / 100)::DECIMAL(12, 2) AS l_discount, (num(i, 'l6', 0, 8) / 100)::DECIMAL(12, 2) AS l_tax,
       CASE WHEN shipdate + 14 > DATE '1995-06-17' THEN 'N' ELSE pick(['A', 'R'], i, 'l7') END AS l_returnflag,
       CASE WHEN shipdate > DATE '1995-06-17' THEN 'O' ELSE 'F' END AS l_linestatus,
       shipdate AS l_shipdate, orderdate + num(i, 'l8', 30, 90)::INTEGER AS l_commitdate, shipdate + num(i, 'l9', 1, 30)::INTEGER AS l_receiptdate,
       pick(['COLLECT COD', 'DELIVER IN PERSON', 'NONE', 'TAKE BACK RETURN'], i, 'l10') AS l_shipinstruct,
       pick(['AIR', 'FOB', 'MAIL', 'RAIL', 'REG AIR', 'SHIP', 'TRUCK'], i, 'l11') AS l_shipmode, remark(i, 'lineitem') AS l_comment
     FROM dated JOIN tpch.part ON p_partkey = partkey ORDER BY orderkey, line`,
  `CREATE TABLE tpch.orders AS
     SELECT orderkey AS o_orderkey, custkey AS o_custkey,
       CASE WHEN bool_and(l_linestatus = 'F') THEN 'F' WHEN bool_and(l_linestatus = 'O') THEN 'O' ELSE 'P' END AS o_orderstatus,
       sum(l_extendedprice * (1 + l_tax) * (1 - l_discount))::DECIMAL(12, 2) AS o_totalprice, orderdate AS o_orderdate,
       pick(['1-URGENT', '2-HIGH', '3-MEDIUM', '4-NOT SPECIFIED', '5-LOW'], orderkey, 'o5') AS o_orderpriority,
       format('Clerk#{:09d}', num(orderkey, 'o6', 1, 10)) AS o_clerk, 0::INTEGER AS o_shippriority, remark(orderkey, 'orders') AS o_comment
     FROM drafts JOIN tpch.lineitem ON l_orderkey = orderkey GROUP BY ALL ORDER BY orderkey`,
]
