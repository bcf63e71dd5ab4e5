import { z } from 'zod'

/** The tool that is called, and its neighbours of the same shape: small, so that what is measured is everything around it. */
export const TOOL = 'lookup'
export const description =
  'Looks up a metric of a campaign by its name. Returns its value as text, and how it was asked for.'

/** The schemas of one tool, its own as every tool has. */
export function schemas() {
  const input = z.strictObject({
    metric: z.string().max(100),
    campaign: z.string().max(100),
    days: z.int().min(1).max(90).default(7),
    compare: z.boolean().default(false),
  })
  return { input, output: z.strictObject({ value: z.string(), days: z.int(), compared: z.boolean() }) }
}

type Input = z.output<ReturnType<typeof schemas>['input']>

export const ARGUMENTS = { metric: 'revenue', campaign: 'spring', days: 14 }
export const EXPECTED = { value: 'revenue of spring', days: 14, compared: false }

export function lookup({ metric, campaign, days, compare }: Input) {
  return { value: `${metric} of ${campaign}`, days, compared: compare }
}

/** The names of a server with `count` tools; the one that is called is in the middle. */
export function toolNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => (index === count >> 1 ? TOOL : `lookup_${index}`))
}
