-- wrk's side of the ceiling: posts pages with an external id of their own each. Takes the file of bodies as its argument.
local before, behind = {}, {}
local sent = 0

function init(args)
  local is_first = true
  for line in io.lines(args[1]) do
    if is_first then before[#before + 1] = line else behind[#behind + 1] = line end
    is_first = not is_first
  end
  for at = 1, #before do
    behind[at] = '",' .. behind[at]
  end
  wrk.method = "POST"
  wrk.headers["Authorization"] = "Bearer any"
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Intercom-Version"] = "2.16"
end

function request()
  sent = sent + 1
  local at = sent % #before + 1
  return wrk.format(nil, "/ai/external_pages", nil, before[at] .. "load/page-" .. sent .. ".md" .. behind[at])
end
