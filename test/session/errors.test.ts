import { expect, test } from 'vitest'
import { SESSION_TROUBLES, SessionError, type SessionErrorCode } from '../../src/session/errors.ts'
import { verifies } from '../requirements.ts'

test.each(Object.keys(SESSION_TROUBLES) as SessionErrorCode[])('%s says what happened and what to do', (code) => {
  verifies('EDIT-8.1')
  const error = new SessionError(code, { detail: 'registry.example' })
  expect(error.message).toBe(`${error.trouble.title}: registry.example`)
  expect(error.trouble.explanation).toMatch(/^[A-Z].+\.$/)
  expect(error.trouble.advice).toMatch(/^[A-Z].+\.$/)
})
