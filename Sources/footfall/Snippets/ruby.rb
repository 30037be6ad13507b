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

  def self.send_view(url, address, referrer, agent)
    # Encoded, and cut where no %HH is torn, so that all of it fits into a datagram of 1232 bytes.
    field = ->(value, size) { URI.encode_www_form_component(value.to_s)[0, size].sub(/%.?\z/, "") }
    head = format("f1 s=%s&i=%s&t=%.6f", SITE, field[address, 64], Time.now.to_f)
    tail = "&r=#{field[referrer, 200]}&a=#{field[agent, 600]}"
    beacon = "#{head}&u=#{field[url, 1194 - head.size - tail.size]}#{tail}"
    beacon += "&z=#{OpenSSL::HMAC.hexdigest("SHA256", KEY, beacon)[0, 32]}" unless KEY.empty?
    Addrinfo.udp(HOST, PORT).connect { |socket| socket.sendmsg_nonblock(beacon) }
  rescue StandardError
    # The page goes on.
  end

  def initialize(app)
    @app = app
  end

  def call(env)
    status, headers, body = answer = @app.call(env)
    kind = status.to_i == 304 ? env["HTTP_ACCEPT"] : headers.find { |name, _| name.casecmp?("content-type") }&.last
    if env["REQUEST_METHOD"] == "GET" && [200, 304].include?(status.to_i) && kind.to_s.include?("text/html")
      url = env["REQUEST_URI"] || "#{env["SCRIPT_NAME"]}#{env["PATH_INFO"]}?#{env["QUERY_STRING"]}"
      Footfall.send_view(url, env["REMOTE_ADDR"], env["HTTP_REFERER"], env["HTTP_USER_AGENT"])
    end
    answer
  end
end
