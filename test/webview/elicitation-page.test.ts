import AxeBuilder from '@axe-core/playwright'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { formFields } from '../../src/editor/elicitation-form.ts'
import { shown } from '../../src/editor/shown-text.ts'
import { verifies } from '../requirements.ts'
import { Webviews, type Webview } from './support/page.ts'

/** The machine may be busy. */
const PATIENCE = { timeout: 10_000 }

let webviews: Webviews
beforeAll(async () => {
  webviews = await Webviews.open()
})
afterAll(() => webviews?.close())

const schema = {
  type: 'object',
  properties: {
    name: { type: 'string', title: 'Your name', description: 'As in the directory', minLength: 2 },
    count: { type: 'integer', minimum: 1, default: 3 },
    sure: { type: 'boolean', title: 'I am sure' },
    region: {
      type: 'string',
      oneOf: [
        { const: 'eu', title: 'Europe' },
        { const: 'us', title: 'United States' },
      ],
    },
    days: { type: 'array', items: { type: 'string', enum: ['mon', 'tue'] }, title: 'Days' },
  },
  required: ['name', 'region'],
}

async function form(): Promise<Webview> {
  const view = await webviews.show('elicitation')
  await view.post({ kind: 'form', server: 'Presto', message: shown('Which table?'), fields: formFields(schema) })
  await view.page.getByText('Which table?').waitFor()
  return view
}

const last = async (view: Webview) => (await view.sent()).at(-1)

describe('the elicitation page', () => {
  test('makes a field of each property, with its default, and sends typed values', async () => {
    verifies('EDIT-4.1')
    const view = await form()
    await view.page.getByLabel(/Your name/).fill('Ada')
    expect(await view.page.getByLabel('count').inputValue()).toBe('3')
    await view.page.getByLabel('I am sure').check()
    await view.page.getByLabel(/region/).selectOption({ label: 'United States' })
    await view.page.getByLabel('tue').check()
    await view.page.getByRole('button', { name: 'Submit' }).click()
    expect(await last(view)).toEqual({
      kind: 'accept',
      content: { name: 'Ada', count: 3, sure: true, region: 'us', days: ['tue'] },
    })
    expect(view.faults).toEqual([])
    await view.page.close()
  })

  test('shows what is wrong beside each field, and moves there', async () => {
    verifies('EDIT-4.1')
    const view = await form()
    await view.post({ kind: 'problems', problems: { name: 'Enter at least 2 characters.' } })
    await view.page.getByText('Enter at least 2 characters.').waitFor()
    const field = view.page.getByLabel(/Your name/)
    expect(await field.getAttribute('aria-invalid')).toBe('true')
    await expect
      .poll(
        () => field.evaluate((element) => (element.getRootNode() as ShadowRoot).activeElement === element),
        PATIENCE,
      )
      .toBe(true)
    await view.page.close()
  })

  test('tells decline from cancel', async () => {
    verifies('EDIT-4.2')
    const view = await form()
    await view.page.getByRole('button', { name: 'Decline' }).click()
    expect(await last(view)).toEqual({ kind: 'decline' })
    await view.page.getByRole('button', { name: 'Cancel' }).click()
    expect(await last(view)).toEqual({ kind: 'cancel' })
    await view.page.close()
  })

  test('an address is opened only on a click, with its domain in plain sight', async () => {
    verifies('EDIT-4.2')
    const view = await webviews.show('elicitation')
    const url = shown('https://example.com/a?b=1')
    await view.post({
      kind: 'url',
      server: 'Presto',
      message: shown('Confirm there'),
      url,
      domain: 'example.com',
      secure: true,
    })
    await view.page.getByText('example.com', { exact: true }).waitFor()
    await view.page.keyboard.press('Enter')
    expect(await last(view)).toEqual({ kind: 'ready' })
    await view.page.getByRole('button', { name: 'Open in Browser' }).click()
    expect(await last(view)).toEqual({ kind: 'accept' })
    await view.page.close()
  })

  test('has no accessibility violation that axe can find', async () => {
    const view = await form()
    await view.page.screenshot({ path: 'test-results/screenshots/elicitation-page.png' })
    const { violations } = await new AxeBuilder({ page: view.page }).analyze()
    expect(violations.map((violation) => `${violation.id}: ${violation.nodes[0]?.html ?? ''}`)).toEqual([])
    await view.page.close()
  })
})
