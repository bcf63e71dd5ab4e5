import { HttpProblem } from '@gatehouse/kit'
import type { z } from 'zod'

/** What came in, as `schema` says; only the place and the kind of the first fault are told back, never the value. @throws HttpProblem 400 with `code` */
export function parsed<T>(schema: z.ZodType<T>, value: unknown, code: string): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const where = issue?.path.join('.') || 'body'
  throw new HttpProblem(400, code, `${where}: ${issue?.message ?? 'invalid'}`)
}
