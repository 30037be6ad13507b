// For themes made for the counter busuanzi: its elements are filled, and the site stands in the script's URL. Runs in front of
// the widget. Visitors of all time are known to nobody here, so visits stand in their place; how often one page was seen is not
// counted in all, and that place stays as the theme has it.
((d, s) => {
  s.dataset.site ??= new URL(s.src).searchParams.get('site') || ''
  const mark = () => {
    for (const [id, name] of [['site_pv', 'views'], ['site_uv', 'visits']]) {
      const place = d.getElementById('busuanzi_value_' + id)
      if (!place) continue
      place.dataset.footfall = name
      const around = d.getElementById('busuanzi_container_' + id)
      if (around) around.style.display = 'inline'
    }
  }
  mark()
  addEventListener('DOMContentLoaded', mark)
})(document, document.currentScript);
