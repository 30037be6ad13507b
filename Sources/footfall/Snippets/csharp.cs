// Footfall: counts each page by one UDP datagram. The page neither waits for it nor fails by it.
// Hook (ASP.NET Core, after UseForwardedHeaders where there is a proxy; elsewhere call Footfall.Send):
// app.Use(async (context, next) => {
//     var (asked, answer) = (context.Request, context.Response);
//     var url = asked.PathBase.ToUriComponent() + asked.Path.ToUriComponent() + asked.QueryString;
//     await next();
//     var kind = answer.StatusCode == 304 ? asked.Headers["Accept"].ToString() : answer.ContentType ?? "";
//     if (asked.Method == "GET" && answer.StatusCode is 200 or 304 && kind.Contains("text/html"))
//         Footfall.Send(url, context.Connection.RemoteIpAddress?.ToString(),
//             asked.Headers["Referer"], asked.Headers["User-Agent"]);
// });
using System;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

public static class Footfall
{
    const string Site = "@SITE@";
    const string Host = "@HOST@";
    const int Port = @PORT@;
    static readonly string Key = "@KEY@"; // the site's key; needed where Footfall runs on another machine

    static readonly bool IsLocal = Array.IndexOf(new[] { "127.0.0.1", "::1", "localhost" }, Host) >= 0;
    // Bytes of a datagram, and of page and agent in it, alike for every visit; the referrer takes what is left.
    static readonly int Size = IsLocal ? 8000 : 1232, OfPage = IsLocal ? 3072 : 700, OfAgent = IsLocal ? 1536 : 320;

    public static void Send(string url, string address, string referrer, string agent)
    {
        try
        {
            var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds().ToString().Insert(10, ".");
            // Escapes past ASCII, as browsers send them, need not be escaped again.
            var page = Regex.Replace(Encode(url), "%25([89A-Fa-f][0-9A-Fa-f])", "%$1");
            var beacon = "f1 s=" + Site + "&i=" + Cut(Encode(address), 45, 64) + "&t=" + now
                + "&u=" + Cut(page, 1024, OfPage) + "&a=" + Cut(Encode(agent), 512, OfAgent);
            beacon += "&r=" + Cut(Encode(referrer), 1024, Size - 38 - beacon.Length);
            if (Key != "")
                using (var hmac = new HMACSHA256(Encoding.UTF8.GetBytes(Key)))
                    beacon += "&z=" + BitConverter.ToString(hmac.ComputeHash(Encoding.ASCII.GetBytes(beacon)), 0, 16)
                        .Replace("-", "").ToLowerInvariant();
            using (var client = new UdpClient(Host, Port))
            {
                client.Client.Blocking = false;
                client.Send(Encoding.ASCII.GetBytes(beacon), beacon.Length);
            }
        }
        catch (Exception) { } // the page goes on
    }

    static string Encode(string value)
    {
        return WebUtility.UrlEncode(value ?? "");
    }

    // Encoded text, cut to so many bytes in so much room where neither a character nor a %HH is torn.
    static string Cut(string text, int bytes, int room)
    {
        var fits = Regex.Match(text.Substring(0, Math.Min(room, text.Length)), "^(?:%..|[^%]){0," + bytes + "}").Value;
        return fits == text ? text : Regex.Replace(fits, "(?i)%(25.?|[C-F].|[EF].%..|F.%..%..)$", "");
    }
}
