import { setTimeout as sleep } from 'node:timers/promises'
import { type Attributes, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { AggregationTemporality, AggregationType, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import { AlwaysOnSampler, BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { parseTraceparent } from './traceparent.ts'

export interface TelemetryOptions {
  /** `service.name`, such as `gatehouse-presto`. */
  readonly service: string
  readonly version: string
  /** Base URL of an OTLP/HTTP collector (`OTEL_EXPORTER_OTLP_ENDPOINT`); without one, spans are made for their ids and kept nowhere. */
  readonly otlpEndpoint?: string
}

interface OperationInfo {
  /** MCP method, such as `tools/call`. */
  readonly method: string
  /** Only the name of a tool that exists: it becomes a label. */
  readonly tool?: string | undefined
  readonly protocolVersion: string
  /** `params._meta.traceparent` as it came. */
  readonly traceparent?: unknown
}

interface Operation {
  /** 32 hexadecimal digits. */
  readonly traceId: string
  /** Ends span and measurement, once. `errorType`: `tool_error` for a result with `isError`, else the stable code. */
  end(outcome: { readonly errorType?: string | undefined }): void
}

/** What is told when somebody asks for the metrics. */
interface Gauge {
  /** With dots, such as `gatehouse.audit.waiting`. */
  readonly name: string
  readonly description: string
  readonly read: () => number
}

export interface Telemetry {
  operation(info: OperationInfo): Operation
  gauge(gauge: Gauge): void
  /** Prometheus text exposition format; dots in names become underscores (`mcp_server_operation_duration`, seconds). */
  metricsText(): Promise<string>
  /** Sends what waits, for at most two seconds: a collector that is gone must not hold the process. Never rejects. */
  shutdown(): Promise<void>
}

/** Seconds; OpenTelemetry semantic conventions for MCP. */
const DURATION_BUCKETS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300]
/** Label combinations kept; what is beyond is counted together. */
const MAX_SERIES = 1000
const SHUTDOWN_MS = 2000
const SCOPE = '@gatehouse/kit'
const METHOD = /^[a-z]+(\/[A-Za-z_]+){0,3}$/
const TOOL = /^[A-Za-z0-9_.-]{1,64}$/
const PROTOCOL_VERSION = /^\d{4}-\d{2}-\d{2}$/
const ERROR_TYPE = /^[A-Za-z0-9_]{1,64}$/

/** Spans and metrics of one server by the MCP semantic conventions. The providers are its own; nothing is registered globally. */
export function createTelemetry({ service, version, otlpEndpoint }: TelemetryOptions): Telemetry {
  const resource = resourceFromAttributes({ 'service.name': service, 'service.version': version })
  const tracers = new TracerProvider({
    resource,
    // The caller's sampling flag is not obeyed: it must not be able to hide its calls.
    sampler: new AlwaysOnSampler(),
    spanProcessors: otlpEndpoint
      ? [new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url: tracesUrl(otlpEndpoint) }) })]
      : [],
  })
  const reader = new PullReader()
  const meters = new MeterProvider({
    resource,
    readers: [reader],
    views: [
      {
        instrumentName: 'mcp.server.operation.duration',
        aggregation: { type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM, options: { boundaries: DURATION_BUCKETS } },
        aggregationCardinalityLimit: MAX_SERIES,
      },
    ],
  })
  const tracer = tracers.getTracer(SCOPE, version)
  const meter = meters.getMeter(SCOPE, version)
  const duration = meter.createHistogram('mcp.server.operation.duration', {
    unit: 's',
    description: 'Duration of an MCP request as the server sees it',
  })
  const serializer = new PrometheusSerializer()

  return {
    operation(info) {
      const attributes = attributesOf(info)
      const parent = parseTraceparent(info.traceparent)
      const context = parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT
      const span = tracer.startSpan(spanName(info), { kind: SpanKind.SERVER, attributes }, context)
      const started = performance.now()
      let ended = false
      return {
        traceId: span.spanContext().traceId,
        end({ errorType }) {
          if (ended) return
          ended = true
          const error = errorType === undefined ? {} : { 'error.type': known(errorType, ERROR_TYPE) }
          span.setAttributes(error)
          if (errorType !== undefined) span.setStatus({ code: SpanStatusCode.ERROR })
          span.end()
          duration.record((performance.now() - started) / 1000, { ...attributes, ...error })
        },
      }
    },
    gauge({ name, description, read }) {
      meter.createObservableGauge(name, { description }).addCallback((result) => result.observe(read()))
    },
    async metricsText() {
      const { resourceMetrics } = await reader.collect()
      return serializer.serialize(resourceMetrics)
    },
    async shutdown() {
      const sent = Promise.allSettled([tracers.shutdown(), meters.shutdown()])
      await Promise.race([sent, sleep(SHUTDOWN_MS, undefined, { ref: false })])
    },
  }
}

function attributesOf({ method, tool, protocolVersion }: OperationInfo): Attributes {
  return {
    'mcp.method.name': known(method, METHOD),
    'mcp.protocol.version': known(protocolVersion, PROTOCOL_VERSION),
    'network.transport': 'tcp',
    ...(method === 'tools/call' ? { 'gen_ai.operation.name': 'execute_tool' } : {}),
    ...(tool === undefined ? {} : { 'gen_ai.tool.name': known(tool, TOOL) }),
  }
}

/** `{mcp.method.name} {gen_ai.tool.name}` */
function spanName({ method, tool }: OperationInfo): string {
  return tool === undefined ? known(method, METHOD) : `${known(method, METHOD)} ${known(tool, TOOL)}`
}

/** Labels come from strangers: what does not look like one of ours is counted under one name. */
function known(value: string, pattern: RegExp): string {
  return value.length <= 64 && pattern.test(value) ? value : '_OTHER'
}

function tracesUrl(endpoint: string): string {
  return `${endpoint.replace(/\/+$/, '')}/v1/traces`
}

/** Collected when somebody asks; the kit has its own HTTP server, so the exporter's is not used. */
class PullReader extends MetricReader {
  constructor() {
    super({ aggregationTemporalitySelector: () => AggregationTemporality.CUMULATIVE })
  }
  protected async onForceFlush(): Promise<void> {}
  protected async onShutdown(): Promise<void> {}
}
