type Landing = 'done' | 'refused' | 'again' | 'nothing'

const WORDS: Record<Landing, readonly [title: string, text: string]> = {
  done: [
    'Back to your editor',
    'Gatehouse has received the answer and finishes the sign-in there. You can close this tab.',
  ],
  refused: ['Sign-in was not completed', 'Your editor says why. You can close this tab.'],
  again: ['This answer was already received', 'You can close this tab; to sign in once more, start from your editor.'],
  nothing: ['Nothing here', 'This address only receives the answer of a sign-in that was started from your editor.'],
}

/** What the browser shows after the redirect: fixed words alone, nothing from the request. */
export function landingPage(landing: Landing): string {
  const [title, text] = WORDS[landing]
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title} · Gatehouse</title>
<style>
:root { color-scheme: light dark; font-family: system-ui, sans-serif }
body { display: grid; place-content: center; min-height: 100vh; margin: 0 }
main { max-width: 28rem; padding: 2rem }
h1 { font-size: 1.4rem; margin: 0 0 .5rem }
p { line-height: 1.5; margin: 0 }
</style></head>
<body><main><h1>${title}</h1><p>${text}</p></main></body></html>`
}
