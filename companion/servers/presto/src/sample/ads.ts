/** Campaigns and what they earn: the tables that only the ads team may read. */
export const ADS: readonly string[] = [
  `CREATE SCHEMA ads`,
  `CREATE TABLE ads.campaigns AS
     SELECT i AS campaign_id,
       pick(['Spring', 'Summer', 'Autumn', 'Winter', 'Launch', 'Always-on'], i, 'k1') || ' ' || pick(['Home', 'Beauty', 'Garden', 'Travel', 'Kitchen', 'Fitness'], i, 'k2') || ' ' || i AS name,
       pick(['Northwind', 'Contoso', 'Fabrikam', 'Tailspin', 'Adventure Works'], i, 'k3') AS advertiser,
       pick(['search', 'feed', 'video', 'shopping'], i, 'k4') AS channel, pick(['awareness', 'traffic', 'conversions'], i, 'k5') AS objective,
       DATE '2026-07-01' + num(i, 'k6', 0, 60)::INTEGER AS started_on, DATE '2026-10-31' + num(i, 'k7', 0, 60)::INTEGER AS ends_on,
       pick(['active', 'active', 'active', 'paused'], i, 'k8') AS status, (num(i, 'k9', 50, 900) * 100)::DECIMAL(12, 2) AS daily_budget
     FROM range(1, 121) AS t(i)`,
  `CREATE TABLE ads.campaign_revenue AS
     SELECT DATE '2026-09-01' + d.i::INTEGER AS day, c.campaign_id, shown AS impressions, (shown * num(k, 'r2', 5, 40)) // 1000 AS clicks,
       (shown * num(k, 'r2', 5, 40)) // 1000 * num(k, 'r3', 1, 8) // 100 AS conversions,
       least(c.daily_budget, (shown * num(k, 'r4', 200, 900) / 100000))::DECIMAL(12, 2) AS spend,
       ((shown * num(k, 'r2', 5, 40)) // 1000 * num(k, 'r3', 1, 8) // 100 * num(k, 'r5', 900, 9000) / 100)::DECIMAL(12, 2) AS revenue
     FROM ads.campaigns AS c, range(61) AS d(i), LATERAL (SELECT c.campaign_id * 1000 + d.i AS k, num(c.campaign_id * 1000 + d.i, 'r1', 2000, 90000) AS shown)
     ORDER BY day, campaign_id`,
]
