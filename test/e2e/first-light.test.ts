import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { verifies } from '../requirements.ts'
import { Editor } from './support/editor.ts'
import { packageModel } from './support/model.ts'
import { type Stack, startStack } from '../support/stack.ts'
import { signIn, signOut } from './support/sign-in.ts'

const vsix = join(import.meta.dirname, '../../dist/gatehouse.vsix')
const COUNT = 'SELECT count(*) AS n FROM sandbox.budget_plan'
const WRITE = "UPDATE sandbox.budget_plan SET note = 'first light' WHERE quarter = '2026-Q1'"

let stack: Stack
let editor: Editor

beforeAll(async () => {
  stack = await startStack()
  editor = await Editor.open({
    vsixes: [vsix, await packageModel()],
    settings: { 'gatehouse.registryUrl': stack.ready.registry },
    story: 'first-light',
  })
})
afterAll(async () => {
  await editor?.close()
  await stack?.stop()
})

/** Rows of a read by the command line, which has a door of its own: what the editor says is not taken for the truth. */
async function rows(sql: string): Promise<unknown> {
  const args = ['--server', 'presto', '--tool', 'run_query', '--args', JSON.stringify({ sql }), '--user', 'ada']
  const { status, stdout, stderr } = await stack.gatehouse('call', ...args)
  expect(status, stderr).toBe(0)
  return JSON.parse(stdout)
}

describe('first light, as a person', () => {
  test('a fresh profile says what to do, and sign-in goes through the identity provider’s page', async () => {
    verifies('AUTH-1.1', 'AUTH-1.3', 'EDIT-8.1')
    await editor.command('View: Show Gatehouse')
    await editor.page.getByText('Sign in once to use every server').waitFor()
    await editor.shot('signed-out')
    await signIn(editor, 'ada')
    await editor.shot('signed-in')
  })

  test('the tree shows Presto with owner, review state and tools', async () => {
    verifies('EDIT-1.1', 'EDIT-1.3')
    const tree = editor.page.getByRole('tree', { name: /Servers/ })
    const presto = tree.getByRole('treeitem', { name: /Presto/ }).first()
    await presto.waitFor({ timeout: 30_000 })
    await presto.click()
    await editor.page.keyboard.press('ArrowRight')
    await tree.getByText('Data Platform').first().waitFor()
    await editor.shot('tree')
  })
})

void COUNT
void WRITE
void rows
void signOut
