# Footfall: counts each page by one UDP datagram. The page neither waits for it nor fails by it.
# Hook: `use Footfall` in config.ru; config.middleware.use Footfall in Rails, behind what corrects addresses.
require "openssl"
require "socket"
require "uri"

class Footfall
  SITE = "@SITE@"
  HOST = "@HOST@"
  PORT = @PORT@
  KEY = "@KEY@" # the site's key; needed where Footfall runs on another machine

  IS_LOCAL = ["127.0.0.1", "::1", "localhost"].include?(HOST)
  # Bytes of a datagram, and of page and agent in it, alike for every visit; the referrer takes what is left.
  SIZE, OF_PAGE, OF_AGENT = IS_LOCAL ? [8000, 3072, 1536] : [1232, 700, 320]

  def self.send_view(url, address, referrer, agent)
    # Escapes past ASCII, as browsers send them, need not be escaped again.
    page = encode(url).gsub(/%25([89A-F]\h)/i, '%\1')
    beacon = format("f1 s=%s&i=%s&t=%.6f", SITE, cut(encode(address), 45, 64), Time.now.to_f)
    beacon += "&u=#{cut(page, 1024, OF_PAGE)}&a=#{cut(encode(agent), 512, OF_AGENT)}"
    beacon += "&r=#{cut(encode(referrer), 1024, SIZE - 38 - beacon.size)}"
    beacon += "&z=#{OpenSSL::HMAC.hexdigest("SHA256", KEY, beacon)[0, 32]}" unless KEY.empty?
    Addrinfo.udp(HOST, PORT).connect { |socket| socket.sendmsg_nonblock(beacon) }
  rescue StandardError
    # The page goes on.
  end

  def self.encode(value)
    URI.encode_www_form_component(value.to_s)
  end

  # Encoded text, cut to so many bytes in so much room where neither a character nor a %HH is torn.
  def self.cut(text, bytes, room)
    fits = text[0, room][/\A(?:%..|[^%]){0,#{bytes}}/]
    fits == text ? text : fits.sub(/%(25.?|[C-F].|[EF].%..|F.%..%..)\z/i, "")
  end

  def self.watch(env, answer)
    status, headers = answer
    kind = status.to_i == 304 ? env["HTTP_ACCEPT"] : headers.find { |name, _| name.casecmp?("content-type") }&.last
    return unless env["REQUEST_METHOD"] == "GET" && [200, 304].include?(status.to_i) && kind.to_s.include?("text/html")
    url = env["REQUEST_URI"] || "#{env["SCRIPT_NAME"]}#{env["PATH_INFO"]}?#{env["QUERY_STRING"]}"
    send_view(url, env["REMOTE_ADDR"], env["HTTP_REFERER"], env["HTTP_USER_AGENT"])
  rescue StandardError
    # The page goes on.
  end

  def initialize(app)
    @app = app
  end

  def call(env)
    @app.call(env).tap { |answer| Footfall.watch(env, answer) }
  end
end
