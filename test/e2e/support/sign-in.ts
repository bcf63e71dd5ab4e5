import type { Page } from 'playwright-core'
import type { Editor } from './editor.ts'

export const PASSWORD = 'gatehouse'

/** Signs in as a person does where no redirect can arrive: in a browser tab, then by pasting the code that its last page shows. */
export async function signIn(editor: Editor, user: string): Promise<void> {
  const opened = editor.context.waitForEvent('page', { timeout: 90_000 })
  await editor.command('Gatehouse: Sign In')
  // The editor may ask before it opens another site.
  void editor.page
    .getByRole('button', { name: 'Open', exact: true })
    .click({ timeout: 90_000 })
    .catch(() => undefined)
  const tab = await opened
  const code = await signInOnPage(tab, user, () => editor.shotOf(tab, `provider-${user}`))
  await tab.close()
  const input = editor.page.locator('.quick-input-widget input').first()
  await input.waitFor({ state: 'visible' })
  await input.fill(code)
  await editor.page.keyboard.press('Enter')
  await editor.page.getByRole('treeitem').first().waitFor({ timeout: 30_000 })
}

/** Walks the provider's pages. @returns what its last page gives to paste */
async function signInOnPage(tab: Page, user: string, shot: () => Promise<void>): Promise<string> {
  await tab.locator(`input[name="user"][value="${user}"]`).check()
  await tab.locator('input[type="password"]').fill(PASSWORD)
  await shot()
  await tab.getByRole('button', { name: 'Sign in' }).click()
  const response = tab.locator('#response')
  await response.waitFor()
  await shot()
  return response.inputValue()
}

export async function signOut(editor: Editor): Promise<void> {
  await editor.command('Gatehouse: Sign Out')
  await editor.page.getByText('Sign in once to use every server').waitFor({ timeout: 20_000 })
}
