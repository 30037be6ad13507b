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

    public static void Send(string url, string address, string referrer, string agent)
    {
        try
        {
            var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds().ToString().Insert(10, ".");
            var head = "f1 s=" + Site + "&i=" + Field(address, 64) + "&t=" + now;
            var tail = "&r=" + Field(referrer, 200) + "&a=" + Field(agent, 600);
            var beacon = head + "&u=" + Field(url, 1194 - head.Length - tail.Length) + tail;
            if (Key != "")
                using (var hmac = new HMACSHA256(Encoding.UTF8.GetBytes(Key)))
                    beacon += "&z=" + BitConverter.ToString(hmac.ComputeHash(Encoding.ASCII.GetBytes(beacon)), 0, 16)
                        .Replace("-", "").ToLowerInvariant();
            using (var client = new UdpClient(Host, Port))
                client.Send(Encoding.ASCII.GetBytes(beacon), beacon.Length);
        }
        catch (Exception) { } // the page goes on
    }

    // Encoded, and cut where no %HH is torn, so that all of it fits into a datagram of 1232 bytes.
    static string Field(string value, int size)
    {
        var text = WebUtility.UrlEncode(value ?? "");
        return Regex.Replace(text.Substring(0, Math.Min(size, text.Length)), "%.?$", "");
    }
}
