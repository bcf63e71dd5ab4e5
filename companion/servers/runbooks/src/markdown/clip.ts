/** At most `length` UTF-16 code units, not ending within a character: half of a surrogate pair is no text (RFC 8785 refuses it). */
export function clip(text: string, length: number): string {
  if (text.length <= length) return text
  const last = text.charCodeAt(length - 1)
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? length - 1 : length)
}
