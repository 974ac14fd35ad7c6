-- What the bindings' files have in common: each is given `host` and this table.
local host, shared = ...

--- Raises unless `condition`, blaming the caller of the function that checks.
local function check(condition, message)
  if not condition then
    error(message, 3)
  end
end

local function is(value, kind)
  return type(value) == "table" and value.kind == kind
end

local function check_self(self, kind, call)
  if not is(self, kind) then
    error("call this with a colon: " .. call, 3)
  end
end

local function keys_of(fields)
  local keys = {}
  for key in pairs(fields) do
    keys[#keys + 1] = key
  end
  return keys
end

local function check_options(options, call, known)
  if options == nil then
    return {}
  end
  if type(options) ~= "table" then
    error(call .. ": the last argument must be a table of options", 3)
  end
  for key in pairs(options) do
    if not known[key] then
      local names = keys_of(known)
      table.sort(names)
      error(call .. ": unknown option " .. tostring(key) .. "; known are " .. table.concat(names, ", "), 3)
    end
  end
  return options
end

local function check_keys(keys, call)
  for _, key in pairs(keys) do
    if type(key) ~= "string" then
      error(call .. ": keys must be strings, not " .. type(key), 3)
    end
  end
end

local function media_list(media, call)
  if media == nil then
    return nil
  end
  if type(media) == "string" then
    return host.array { media }
  end
  if type(media) ~= "table" or #media == 0 then
    error(call .. ": media must be a URL or a list of URLs", 3)
  end
  local list = {}
  for index, url in ipairs(media) do
    if type(url) ~= "string" then
      error(call .. ": media must be a URL or a list of URLs", 3)
    end
    list[index] = url
  end
  return host.array(list)
end

shared.check, shared.is, shared.check_self = check, is, check_self
shared.check_options, shared.media_list = check_options, media_list
shared.keys_of, shared.check_keys = keys_of, check_keys
