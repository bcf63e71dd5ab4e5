/** ASCII punctuation to which CommonMark, GFM or the editor's chat (`$` for formulas) gives a meaning. Any of it may be escaped (CommonMark 2.4). */
const MEANINGFUL = /[\\`*_{}[\]()<>#+\-.!~|&$:@]/g

/**
 * Text as Markdown that shows exactly it: no link, no image, no formatting; each line a paragraph. `MarkdownString.appendText` makes every
 * space one that does not break, so that long lines break in the middle of words.
 */
export function plainMarkdown(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trim().replace(MEANINGFUL, '\\$&'))
    .filter((line) => line !== '')
    .join('\n\n')
}
