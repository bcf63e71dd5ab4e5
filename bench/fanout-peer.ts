import type { ToolSurface } from '@gatehouse/contracts'

/** What the processes of bench/fanout.ts tell each other. */
export type Fault = 'hangs' | 'slow' | 'resets'

export interface FanoutServer {
  readonly id: string
  readonly url: string
  readonly tools: readonly ToolSurface[]
}

/** Milliseconds from the start until each server was usable; of one that failed, until it was said to have, and the code. */
export type FanoutTimes = Readonly<Record<string, { readonly at: number; readonly code?: string }>>

export type FanoutAsk = { readonly client: 'gatehouse' | 'sdk'; readonly servers: readonly FanoutServer[] }
