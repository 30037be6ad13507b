// For themes made for the counter busuanzi: fills their elements. The site is in the script's URL. Runs before the
// widget. Nobody here knows the visitors of all time, so the total stands in their place; the other number needs public
// views. The views of one page are not counted for all time, so that place stays as the theme has it.
((d, s) => {
  s.dataset.site ??= new URL(s.src).searchParams.get('site') || ''
  const mark = () => {
    for (const [id, name] of [['site_pv', 'views'], ['site_uv', 'total']]) {
      const place = d.getElementById('busuanzi_value_' + id)
      const around = d.getElementById('busuanzi_container_' + id)
      if (!place || place.dataset.footfall) continue
      place.dataset.footfall = name
      // The surrounding sentence is shown once there is a number.
      new MutationObserver(() => { if (around) around.style.display = 'inline' }).observe(place, { childList: true })
    }
  }
  mark()
  addEventListener('DOMContentLoaded', mark)
})(document, document.currentScript);
