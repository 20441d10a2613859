// Evaluated in the page: the texts whose contrast with what is behind them is below 4.5 to 1 (WCAG 2.2, 1.4.3).
;(() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1)
    canvas.fillStyle = color
    canvas.fillRect(0, 0, 1, 1)
    return canvas.getImageData(0, 0, 1, 1).data
  }
  const luminance = (color) => {
    const [r, g, b] = [...rgba(color)].map((part) => {
      const share = part / 255
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const behind = (element) => {
    for (let e = element; e !== null; e = e.parentElement) {
      const { backgroundColor } = getComputedStyle(e)
      if (rgba(backgroundColor)[3] === 255) return backgroundColor
    }
    return 'white'
  }
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  const low = []
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement
    const words = texts.currentNode.textContent.trim()
    if (words === '' || element.tagName === 'NOSCRIPT' || !element.checkVisibility()) continue
    const [dark, light] = [luminance(getComputedStyle(element).color), luminance(behind(element))].sort(
      (a, b) => a - b,
    )
    const ratio = (light + 0.05) / (dark + 0.05)
    if (ratio < 4.5) low.push(`${words}: ${ratio.toFixed(2)}`)
  }
  return low
})()
