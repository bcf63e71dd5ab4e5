import type { ShownText } from '../messages.ts'

/**
 * Characters that change what a person reads without being seen: controls other than tab and line feed, bidirectional controls
 * (Unicode UAX 9; "Trojan Source", CVE-2021-42574), zero-width and other format characters, tag characters, variation selectors beyond
 * the emoji one, fillers that look like spaces, and private use.
 */
const UNSEEN =
  /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u00A0\u034F\u115F\u1160\u17B4\u17B5\u2000-\u200F\u2028-\u202F\u205F-\u206F\u3000\u3164\uFE00-\uFE0E\uFFA0\uFFF0-\uFFFB]|\p{Cf}|\p{Co}|\p{Cs}|[\u{E0100}-\u{E01EF}]/gu

/** Text of an outsider as it may be looked at: every unseen character is spelled out, nothing is removed. */
export function shown(text: string): ShownText {
  let hidden = 0
  const marked = text.replaceAll('\r\n', '\n').replace(UNSEEN, (character) => {
    hidden++
    return `⟦U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟧`
  })
  return { text: marked, hidden }
}

/** The same for one line: line breaks are spelled out too, and what is too long is cut with a mark. For labels, never for what is approved. */
export function shownLine(text: string, limit = 200): string {
  const line = shown(text).text.replaceAll('\n', '⏎')
  return line.length > limit ? `${line.slice(0, limit - 1)}…` : line
}
