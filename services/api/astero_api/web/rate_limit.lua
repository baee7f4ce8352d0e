-- Decides every tier of one request at once, on Redis' own clock, and charges all of them or none.
-- ARGV[1] says, separated by spaces, how many of KEYS are bans of this client, and then for each of the others:
-- kind, capacity, period in microseconds, cost.
--   g  GCRA: `capacity` at once, refilled evenly over `period`; the request takes `cost` of it
--   w  strict sliding window: at most `capacity` in any `period`, whatever they cost
--   G, W  the same in shadow: counted, and refuses nothing
-- Answers "banned" when one of the bans is there, and nothing is charged. Otherwise, separated by spaces: the index
-- of the refusing tier or 0, the microseconds until it would pass, and for each tier what remains and the
-- microseconds until there is more; -1 remains of a shadow that would have refused. One text each way: every number
-- that is an item of its own costs the client more than the whole decision.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local refused, wait = 0, 0
local states, writes = {}, {}
local words = string.gmatch(ARGV[1], '%S+')
local bans = tonumber(words())

if redis.call('EXISTS', unpack(KEYS, 1, bans)) > 0 then
  return 'banned'
end

for i = 1, #KEYS - bans do
  local key = KEYS[bans + i]
  local kind, capacity, period, cost = words(), tonumber(words()), tonumber(words()), tonumber(words())
  local shadow = kind == 'G' or kind == 'W'
  local remaining, more, over
  if kind == 'g' or kind == 'G' then
    local step = period / capacity
    local tat = math.max(tonumber(redis.call('GET', key) or '0'), now)
    over = tat + step * cost - now - period
    if over <= 0 then
      tat = tat + step * cost
      writes[#writes + 1] = {key, tat}
    end
    local free = (period - (tat - now)) / step
    remaining = math.max(math.floor(free + 1e-6), 0)
    more = remaining < capacity and (remaining + 1 - free) * step or 0
  else
    -- newest first: the request passes when the capacity-th newest has left the window
    local times = redis.call('LRANGE', key, 0, capacity - 1)
    local oldest = tonumber(times[capacity])
    over = oldest and oldest + period - now or 0
    local used = 0
    while times[used + 1] and times[used + 1] + period > now do used = used + 1 end
    more = used > 0 and times[used] + period - now or 0
    if over <= 0 then
      writes[#writes + 1] = {key, now, capacity, period}
      more = used > 0 and more or period
      used = used + 1
    end
    remaining = capacity - used
  end
  if over > 0 and shadow then
    remaining = -1
  elseif over > wait then
    refused, wait = i, over
  end
  states[i] = string.format('%.0f %.0f', remaining, more)
end

if refused == 0 then
  for _, write in ipairs(writes) do
    if #write == 2 then
      redis.call('SET', write[1], string.format('%.0f', write[2]),
        'PX', math.ceil((write[2] - now) / 1000) + 1)
    else
      redis.call('LPUSH', write[1], string.format('%.0f', write[2]))
      redis.call('LTRIM', write[1], 0, write[3] - 1)
      redis.call('PEXPIRE', write[1], math.ceil(write[4] / 1000))
    end
  end
end
return string.format('%d %.0f %s', refused, wait, table.concat(states, ' '))
