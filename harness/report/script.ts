// The little a report can do: hide rows of the table, copy the command. Without it everything is there to be read.

export const script = `
const rows = [...document.querySelectorAll('.log tbody tr')];
const boxes = [...document.querySelectorAll('[data-group]')].filter(box => box.matches('input'));
const trouble = document.querySelector('[data-only-trouble]');
const apply = () => {
  const shown = new Set(boxes.filter(box => box.checked).map(box => box.dataset.group));
  for (const row of rows) row.hidden = !shown.has(row.dataset.group) || (trouble.checked && row.classList.contains('info'));
};
for (const box of [...boxes, trouble]) box.addEventListener('change', apply);
const list = document.querySelector('.scroll');
const failed = document.getElementById('failed');
if (failed) list.scrollTop = failed.offsetTop - list.clientHeight / 2;
for (const button of document.querySelectorAll('[data-copy]')) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(button.previousElementSibling.textContent);
    button.textContent = 'Copied';
  });
}
`;
