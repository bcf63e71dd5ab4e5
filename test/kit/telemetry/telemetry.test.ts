import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { metrics, trace } from '@opentelemetry/api'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { createTelemetry, type Telemetry } from '../../../companion/packages/kit/src/telemetry/telemetry.ts'
import { verifies } from '../../requirements.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'

/** The part of an OTLP/HTTP JSON export that the tests look at. */
const Export = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: z.array(z.unknown()) }),
      scopeSpans: z.array(
        z.object({
          spans: z.array(
            z.object({
              name: z.string(),
              kind: z.number(),
              traceId: z.string(),
              parentSpanId: z.string().optional(),
              attributes: z.array(z.object({ key: z.string(), value: z.object({ stringValue: z.string() }) })),
              status: z.object({ code: z.number() }),
            }),
          ),
        }),
      ),
    }),
  ),
})
type Span = z.infer<typeof Export>['resourceSpans'][number]['scopeSpans'][number]['spans'][number]

let collector: Server
let endpoint: string
let exported: { path: string | undefined; spans: Span[] }[]
let telemetry: Telemetry

beforeEach(async () => {
  exported = []
  collector = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Export.parse(JSON.parse(Buffer.concat(chunks).toString()))
      const spans = body.resourceSpans.flatMap((resource) => resource.scopeSpans.flatMap((scope) => scope.spans))
      exported.push({ path: request.url, spans })
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })
  })
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve))
  endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`
  telemetry = createTelemetry({ service: 'gatehouse-presto', version: '1.2.3', otlpEndpoint: `${endpoint}/` })
})

afterEach(async () => {
  await telemetry.shutdown()
  collector.closeAllConnections()
  await new Promise((resolve) => collector.close(resolve))
})

test('a call of a tool is a server span that continues the trace of the caller', async () => {
  verifies('OBS-1.1')
  const operation = telemetry.operation({
    method: 'tools/call',
    tool: 'run_query',
    protocolVersion: '2026-07-28',
    traceparent: `00-${TRACE}-${SPAN}-01`,
  })
  expect(operation.traceId).toBe(TRACE)
  operation.end({})
  const [span] = await spans()
  expect(exported[0]?.path).toBe('/v1/traces')
  expect(span).toMatchObject({ name: 'tools/call run_query', kind: 2, traceId: TRACE, parentSpanId: SPAN })
  expect(attributes(span)).toEqual({
    'mcp.method.name': 'tools/call',
    'gen_ai.tool.name': 'run_query',
    'gen_ai.operation.name': 'execute_tool',
    'mcp.protocol.version': '2026-07-28',
    'network.transport': 'tcp',
  })
})

test('a failed call has its error type on the span and in the metric', async () => {
  verifies('OBS-1.1')
  telemetry
    .operation({ method: 'tools/call', tool: 'run_query', protocolVersion: '2025-11-25' })
    .end({ errorType: 'tool_error' })
  expect(await telemetry.metricsText()).toMatch(
    /mcp_server_operation_duration_count\{[^}]*error_type="tool_error"[^}]*\} 1/,
  )
  const [span] = await spans()
  expect(attributes(span)['error.type']).toBe('tool_error')
  expect(span?.status.code).toBe(2)
})

test('the caller cannot hide its call by a sampling flag', async () => {
  telemetry.operation({ ...list(), traceparent: `00-${TRACE}-${SPAN}-00` }).end({})
  expect(await spans()).toHaveLength(1)
})

test('a hostile traceparent starts a new trace', () => {
  const operation = telemetry.operation({ ...list(), traceparent: `00-${TRACE}-${SPAN}-01\r\nx: y` })
  expect(operation.traceId).toMatch(/^[0-9a-f]{32}$/)
  expect(operation.traceId).not.toBe(TRACE)
  operation.end({})
})

test('the duration is a histogram in seconds with the buckets of the convention', async () => {
  verifies('OBS-1.1')
  telemetry.operation(list()).end({})
  const text = await telemetry.metricsText()
  expect(text).toContain('# TYPE mcp_server_operation_duration histogram')
  const buckets = [...text.matchAll(/_bucket\{[^}]*le="([^"]+)"[^}]*\}/g)].map((match) => match[1])
  expect(buckets).toEqual([
    '0.01',
    '0.02',
    '0.05',
    '0.1',
    '0.2',
    '0.5',
    '1',
    '2',
    '5',
    '10',
    '30',
    '60',
    '120',
    '300',
    '+Inf',
  ])
  expect(text).toContain('service_name="gatehouse-presto"')
})

test('an operation is counted once, however often it ends', async () => {
  const operation = telemetry.operation(list())
  operation.end({})
  operation.end({ errorType: 'late' })
  const text = await telemetry.metricsText()
  expect(text).toMatch(/_count\{[^}]*\} 1/)
  expect(text).not.toContain('late')
})

test('names that a stranger made up do not become labels', async () => {
  for (const hostile of ['x"} 1\nfake_metric 1', 'a'.repeat(5000), 'tools/call\u0000', '']) {
    const info = { method: hostile, tool: hostile, protocolVersion: hostile }
    telemetry.operation(info).end({ errorType: hostile })
  }
  const text = await telemetry.metricsText()
  expect(text).not.toContain('fake_metric')
  expect(text).toMatch(/_count\{[^}]*mcp_method_name="_OTHER"[^}]*\} 4/)
})

test('ten thousand names do not grow the metrics without bound', async () => {
  for (let index = 0; index < 10_000; index++) telemetry.operation({ ...list(), tool: `tool_${index}` }).end({})
  const series = (await telemetry.metricsText()).match(/_count\{/g) ?? []
  expect(series.length).toBeLessThanOrEqual(1000)
})

test('without a collector there are trace ids and metrics, and nothing is sent', async () => {
  const local = createTelemetry({ service: 's', version: '1' })
  const operation = local.operation(list())
  expect(operation.traceId).toMatch(/^[0-9a-f]{32}$/)
  operation.end({})
  expect(await local.metricsText()).toContain('_count')
  await local.shutdown()
  expect(exported).toEqual([])
})

test('a collector that is gone does not disturb calls or shutdown', async () => {
  const lonely = createTelemetry({ service: 's', version: '1', otlpEndpoint: 'http://127.0.0.1:1' })
  lonely.operation(list()).end({})
  const started = Date.now()
  await lonely.shutdown()
  expect(Date.now() - started).toBeLessThan(4000)
})

test('nothing is registered globally, so that two servers in one process do not mix', async () => {
  expect(trace.getTracer('x').startSpan('x').isRecording()).toBe(false)
  expect(metrics.getMeterProvider().constructor.name).toMatch(/Noop/)
  const other = createTelemetry({ service: 'other', version: '1' })
  other.operation(list()).end({})
  expect(await telemetry.metricsText()).not.toContain('_count')
  await other.shutdown()
})

function list() {
  return { method: 'tools/list', protocolVersion: '2026-07-28' }
}

/** Everything that was exported, once telemetry has sent what waits. */
async function spans(): Promise<Span[]> {
  await telemetry.shutdown()
  return exported.flatMap((request) => request.spans)
}

function attributes(span: Span | undefined): Record<string, string> {
  return Object.fromEntries(span?.attributes.map(({ key, value }) => [key, value.stringValue]) ?? [])
}
