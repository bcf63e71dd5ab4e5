import AxeBuilder from '@axe-core/playwright'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { plansState } from '../../src/editor/plan-view.ts'
import type { PlanEntry } from '../../src/plans/types.ts'
import { sampleEntry, sampleStep } from '../editor/sample-plan.ts'
import { verifies } from '../requirements.ts'
import { Webviews, type Webview } from './support/page.ts'

/** The machine may be busy. */
const PATIENCE = { timeout: 10_000 }

let webviews: Webviews
beforeAll(async () => {
  webviews = await Webviews.open()
})
afterAll(() => webviews?.close())

function stateOf(...entries: PlanEntry[]) {
  const hour = 3_600_000
  const now = Date.now()
  const fresh = entries.map((entry) => ({
    ...entry,
    plan: { ...entry.plan, createdAt: new Date(now).toISOString(), expiresAt: new Date(now + hour).toISOString() },
  }))
  return plansState(fresh, { now, subject: 'ada', titleOf: () => 'Presto' })
}

async function decisions(view: Webview): Promise<unknown[]> {
  return (await view.sent()).filter((message) => (message as { kind: string }).kind !== 'ready')
}

const armed = (view: Webview) => view.page.locator('vscode-button[aria-disabled="false"]').first().waitFor()

describe('the plans page', () => {
  test('shows the exact arguments, the effect in words, the risk, the extent and the time left', async () => {
    verifies('EDIT-3.1')
    const view = await webviews.show('plans')
    const step = sampleStep({ arguments: { sql: 'UPDATE ads.campaigns\n  SET budget = 500 -- all of it', dry: false } })
    await view.post(stateOf(sampleEntry([step], [])))
    const card = view.page.locator('gh-step')
    await expect
      .poll(() => card.locator('pre').first().innerText(), PATIENCE)
      .toBe('UPDATE ads.campaigns\n  SET budget = 500 -- all of it')
    expect(await card.locator('pre').nth(1).innerText()).toBe('false')
    for (const words of ['Changes data', 'Gatehouse cannot undo it', 'ads.campaigns: about 3 rows']) {
      await card.getByText(words).first().waitFor()
    }
    await view.page.getByText('60 min left').waitFor()
    expect(view.faults).toEqual([])
    await view.page.close()
  })

  test('sends a decision with the digest of what it showed, once', async () => {
    const view = await webviews.show('plans')
    const step = sampleStep()
    await view.post(stateOf(sampleEntry([step], [])))
    await armed(view)
    const approve = view.page.getByRole('button', { name: 'Approve execute_statement on Presto' })
    await approve.dblclick()
    expect(await decisions(view)).toEqual([
      { kind: 'approve', steps: [{ id: step.id, argumentsDigest: step.argumentsDigest }] },
    ])
    await view.page.close()
  })

  test('takes no click until the buttons have stood still for half a second, and again after the rows have moved', async () => {
    const view = await webviews.show('plans')
    const first = sampleEntry([sampleStep()], [])
    await view.post(stateOf(first))
    const press = () =>
      view.page
        .getByRole('button', { name: /^Approve/ })
        .last()
        .dispatchEvent('click')
    await press()
    expect(await decisions(view)).toEqual([])
    await armed(view)
    await view.post(stateOf(sampleEntry([sampleStep()], []), first))
    await view.page.locator('gh-step').nth(1).waitFor()
    await press()
    expect(await decisions(view)).toEqual([])
    await armed(view)
    await press()
    expect(await decisions(view)).toHaveLength(1)
    await view.page.close()
  })

  test('rejects with the reason that was typed', async () => {
    const view = await webviews.show('plans')
    const step = sampleStep()
    await view.post(stateOf(sampleEntry([step], [])))
    await armed(view)
    await view.page.locator('vscode-textfield input').fill('wrong campaign')
    await view.page.getByRole('button', { name: /^Reject/ }).click()
    const steps = [{ id: step.id, argumentsDigest: step.argumentsDigest }]
    expect(await decisions(view)).toEqual([{ kind: 'reject', steps, reason: 'wrong campaign' }])
    await view.page.close()
  })

  test('decides all steps of a plan together, and no other plan', async () => {
    const view = await webviews.show('plans')
    const steps = [sampleStep(), sampleStep({ tool: 'drop_table' })]
    await view.post(stateOf(sampleEntry(steps, []), sampleEntry([sampleStep({ tool: 'other' })], [])))
    await armed(view)
    await view.page.getByRole('button', { name: 'Approve all 2' }).click()
    const sent = steps.map(({ id, argumentsDigest }) => ({ id, argumentsDigest }))
    expect(await decisions(view)).toEqual([{ kind: 'approve', steps: sent }])
    await view.page.close()
  })

  test('Enter approves nothing while no button has the focus, and a new step never takes the focus', async () => {
    const view = await webviews.show('plans')
    await view.post(stateOf(sampleEntry([sampleStep()], [])))
    await armed(view)
    await view.page.keyboard.press('Enter')
    await view.page.keyboard.press('Space')
    expect(await decisions(view)).toEqual([])
    expect(await view.page.evaluate(() => document.activeElement?.tagName)).toBe('BODY')
    await view.page.close()
  })

  test('spells out characters that cannot be seen, and warns', async () => {
    const view = await webviews.show('plans')
    const sql = 'DELETE FROM t WHERE id = 1 \u202E-- \u200Bsafe'
    await view.post(stateOf(sampleEntry([sampleStep({ arguments: { sql } })], [])))
    const block = view.page.locator('gh-step pre').first()
    await expect.poll(() => block.innerText(), PATIENCE).toBe('DELETE FROM t WHERE id = 1 ⟦U+202E⟧-- ⟦U+200B⟧safe')
    await view.page.getByText('2 characters that cannot be seen are spelled out').waitFor()
    await view.page.close()
  })

  test('shows markup of a server as the text it is', async () => {
    const view = await webviews.show('plans')
    const sql = '<img src=x onerror=alert(1)><script>alert(2)</script>'
    await view.post(stateOf(sampleEntry([sampleStep({ arguments: { sql }, summary: sql, tool: 'b' })], [])))
    await expect.poll(() => view.page.locator('gh-step pre').first().innerText(), PATIENCE).toBe(sql)
    expect(await view.page.locator('gh-step img').count()).toBe(0)
    expect(view.faults).toEqual([])
    await view.page.close()
  })

  test('announces a new step, marks one whose chat has ended, and keeps what was decided', async () => {
    const view = await webviews.show('plans')
    const waiting = sampleEntry([sampleStep()], [{ kind: 'pending', orphaned: true }])
    const done = sampleEntry(
      [sampleStep({ tool: 'create_table' })],
      [{ kind: 'done', at: '2026-11-24T10:05:00Z', outcome: 'ok', text: 'created' }],
    )
    await view.post(stateOf(waiting, done))
    await view.page.getByRole('status').getByText('execute_statement on Presto').waitFor()
    await view.page.getByText('The chat no longer waits for this step').waitFor()
    await view.page.getByText('create_table').first().waitFor()
    expect(await view.page.getByRole('button', { name: /^Approve/ }).count()).toBe(1)
    await view.page.close()
  })

  test('drops a message of another shape', async () => {
    const view = await webviews.show('plans')
    await view.post({ kind: 'state', pending: 'all' })
    await view.post(null)
    expect(await view.page.locator('gh-step').count()).toBe(0)
    expect(view.faults).toEqual([])
    await view.page.close()
  })

  test('has no accessibility violation that axe can find', async () => {
    const view = await webviews.show('plans')
    await view.post(stateOf(sampleEntry([sampleStep(), sampleStep({ effect: 'expensive', tool: 'run_query' })], [])))
    await armed(view)
    await view.page.screenshot({ path: 'test-results/screenshots/plans-page.png' })
    const { violations } = await new AxeBuilder({ page: view.page }).analyze()
    expect(violations.map((violation) => `${violation.id}: ${violation.nodes[0]?.html ?? ''}`)).toEqual([])
    await view.page.close()
  })
})
