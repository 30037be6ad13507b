# One page through the Rack middleware.
snippet, *page = ARGV
require File.expand_path(snippet)
url, address, referrer, agent = page.map(&:b)
path, query = url.split("?", 2)
env = {
  "REQUEST_METHOD" => ENV["METHOD"], "HTTP_ACCEPT" => ENV["ACCEPT"], "SCRIPT_NAME" => "", "PATH_INFO" => path,
  "QUERY_STRING" => query.to_s, "REMOTE_ADDR" => address, "HTTP_REFERER" => referrer, "HTTP_USER_AGENT" => agent
}
app = ->(_) { [Integer(ENV["STATUS"]), { "Content-Type" => ENV["TYPE"] }, []] }
Footfall.new(app).call(env)
