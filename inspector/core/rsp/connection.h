// A connection to a debug stub: bytes out, packets in, acknowledgements where they do no harm.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "inspector/core/cancellation.h"
#include "inspector/core/descriptor.h"
#include "inspector/core/result.h"
#include "inspector/core/rsp/packet.h"

namespace orrery::inspector::rsp {

// One thread at a time. After an error of code connection_lost every later call fails with the same sentence.
//
// Acknowledgements, by what QEMU does with them (each rule is a test): a byte that is sent while the guest runs stops
// it, so nothing is ever acknowledged after a resume; an unacknowledged stop reply swallows the next interrupt, so
// stop replies are acknowledged at once; a data reply's '+' rides in front of the next request.
class Connection {
public:
    // "HOST:PORT" (TCP_NODELAY is set: without it QEMU answers 45 requests a second instead of 30000), ":PORT", or the
    // path of a unix socket (anything with a '/').
    static Result<Connection> open(const std::string& address, Deadline deadline);
    // Takes over a connected socket: a test's end of a socketpair.
    static Connection adopt(Descriptor socket, std::string address);

    // Queues a packet; flush() sends all that is queued in one write.
    void queue(std::string_view payload);
    Result<void> flush(Deadline deadline);
    // The byte 0x03, outside any packet.
    Result<void> send_interrupt(Deadline deadline);

    // The next packet's payload. timed_out and cancelled leave the connection in step; all other errors end it.
    Result<std::string> receive(Deadline deadline, const Cancellation* cancellation = nullptr);
    // Tells how the packet that was received last is to be acknowledged.
    Result<void> acknowledge_now(Deadline deadline); // a stop reply
    void acknowledge_later() { owed_acknowledgements_ += acknowledging_ ? 1u : 0u; } // data, while the guest stands
    // QStartNoAckMode was agreed: its answer is the last that is acknowledged.
    Result<void> stop_acknowledging(Deadline deadline);
    bool acknowledging() const { return acknowledging_; }

    bool lost() const { return lost_.has_value(); }
    std::unexpected<Error> lose(std::string sentence); // no reply of this peer can be matched with a request any more
    const std::string& address() const { return address_; }
    int descriptor() const { return socket_.get(); }
    bool has_buffered_input() const { return decoder_.buffered() != 0; }

    // The last exchanges, newest last, for a protocol view and for error reports: "-> m...", "<- OK".
    const std::deque<std::string>& recent_traffic() const { return traffic_; }

private:
    Connection(Descriptor socket, std::string address);
    Result<void> send(std::string_view bytes, Deadline deadline);
    void log(std::string_view direction, std::string_view payload);

    Descriptor socket_;
    std::string address_;
    PacketDecoder decoder_;
    std::string outgoing_;
    unsigned owed_acknowledgements_ = 0;
    bool acknowledging_ = true;
    std::optional<Error> lost_;
    std::deque<std::string> traffic_;
};

} // namespace orrery::inspector::rsp
