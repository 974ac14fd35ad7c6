import Conversations

/// What the interface's description says of one endpoint.
struct OperationDescription: Sendable {
    enum Parameter: Sendable {
        case integer(IntegerBounds)
        case datetime(String)
        case text(String, isRequired: Bool = false)

        var name: String {
            switch self {
            case .integer(let bounds): bounds.name
            case .datetime(let name), .text(let name, _): name
            }
        }
    }

    enum Body: Sendable {
        /// JSON of this schema.
        case json(String, isRequired: Bool = true)
        case bytes
    }

    enum Answer: Sendable {
        /// JSON of this schema.
        case json(String, status: Int = 200)
        /// JSON of this schema or null.
        case optionalJSON(String)
        /// JSON of a list of this schema.
        case list(String)
        case empty(status: Int)
        case bytes
    }

    var summary: String
    var query: [Parameter]
    var body: Body?
    var answer: Answer
    /// Statuses of errors beside those that follow from the rest.
    var errors: [Int]

    init(
        _ summary: String, query: [Parameter] = [], body: Body? = nil, answer: Answer, errors: [Int] = []
    ) {
        self.summary = summary
        self.query = query
        self.body = body
        self.answer = answer
        self.errors = errors
    }
}

extension OperationDescription {
    private static let page: [Parameter] = [.integer(Bounds.conversationLimit), .integer(Bounds.offset)]
    private static let messagePage: [Parameter] = [
        .integer(Bounds.messageLimit), .datetime("before"), .datetime("after"),
    ]

    /// By the endpoint's name; a test holds that each endpoint has one.
    static let all: [String: OperationDescription] = conversations.merging(project) { $1 }.merging(simulation) { $1 }

    private static let conversations: [String: OperationDescription] = [
        "listConversations": .init(
            "Lists conversations, latest activity first.", query: page, answer: .json("ConversationPage")),
        "getConversation": .init(
            "Reads a conversation with its latest messages, newest first.",
            query: [.integer(Bounds.messageLimitOfConversation)], answer: .json("ConversationDetail")),
        "updateConversation": .init(
            "Replaces a conversation's metadata; null clears, an absent key leaves it.",
            body: .json("ConversationUpdate"), answer: .json("ConversationDetail")),
        "listMessages": .init(
            "Lists a conversation's messages, newest first; the bounds are exclusive.", query: messagePage,
            answer: .json("MessagePage")),
        "showTyping": .init(
            "Shows the participant that an answer is being written; iMessage only, best effort.",
            body: .json("Nothing", isRequired: false), answer: .json("TypingReceipt")),
        "setBackground": .init("Sets a conversation's background.", answer: .empty(status: 204), errors: [501]),
        "deleteBackground": .init("Removes a conversation's background.", answer: .empty(status: 204), errors: [501]),
        "sendMessage": .init(
            "Sends a message, by iMessage where both sides can, else by SMS or MMS.", body: .json("OutboundMessage"),
            answer: .json("SentMessage"), errors: [400, 403, 404, 409, 501]),
        "sendReaction": .init(
            "Puts a tapback on an iMessage.", body: .json("ReactionRequest"), answer: .json("ReactionReceipt"),
            errors: [400]),
        "getWebhook": .init("Reads the project's webhook, or null.", answer: .optionalJSON("Webhook")),
        "setWebhook": .init(
            "Sets or replaces the project's webhook; each call makes a new secret.", body: .json("WebhookRequest"),
            answer: .json("Webhook")),
        "deleteWebhook": .init("Removes the project's webhook.", answer: .json("Success")),
        "listDeliveries": .init(
            "Lists deliveries of the project's webhook, newest first.",
            query: [.integer(Bounds.hours), .integer(Bounds.deliveryLimit), .integer(Bounds.offset)],
            answer: .json("DeliveryPage")),
        "getDeliveryStats": .init(
            "Counts the deliveries of the last hours.", query: [.integer(Bounds.hours)], answer: .json("DeliveryStats")),
        "getAllTimeDeliveryStats": .init("Counts all deliveries.", answer: .json("AllTimeDeliveryStats")),
        "testWebhook": .init(
            "Delivers a made-up message once.", query: [.text("agentId")],
            body: .json("WebhookTestRequest", isRequired: false), answer: .json("WebhookTestResult"), errors: [404]),
    ]

    private static let project: [String: OperationDescription] = [
        "listAgents": .init("Lists agents.", query: page, answer: .json("AgentPage")),
        "createAgent": .init("Makes an agent.", body: .json("AgentCreation"), answer: .json("Agent")),
        "getAgent": .init("Reads an agent.", answer: .json("Agent")),
        "updateAgent": .init("Changes an agent.", body: .json("AgentUpdate"), answer: .json("Agent")),
        "deleteAgent": .init("Removes an agent; its conversations stay.", answer: .json("Success")),
        "listAgentConversations": .init(
            "Lists an agent's conversations, without metadata.", query: page, answer: .json("AgentConversationPage")),
        "attachNumber": .init(
            "Gives a number to an agent.", body: .json("AttachRequest"), answer: .json("AttachedNumber"), errors: [409]),
        "detachNumber": .init("Takes a number from an agent.", answer: .json("Success")),
        "getAgentWebhook": .init("Reads an agent's own webhook, or null.", answer: .optionalJSON("Webhook")),
        "setAgentWebhook": .init(
            "Sets or replaces an agent's own webhook.", body: .json("WebhookRequest"), answer: .json("Webhook")),
        "deleteAgentWebhook": .init("Removes an agent's own webhook.", answer: .json("Success")),
        "listAgentDeliveries": .init(
            "Lists deliveries of an agent's own webhook, newest first.", query: [.integer(Bounds.deliveryLimit)],
            answer: .list("Delivery")),
        "testAgentWebhook": .init(
            "Delivers a made-up message once to an agent's own webhook.",
            body: .json("WebhookTestRequest", isRequired: false), answer: .json("WebhookTestResult")),
        "listNumbers": .init("Lists numbers.", query: page, answer: .json("NumberPage")),
        "createNumber": .init(
            "Makes a number of the range kept for fiction.", body: .json("NumberCreation"), answer: .json("Number"),
            errors: [404, 409]),
        "releaseNumber": .init("Gives a number up; its conversations stay.", answer: .json("Success")),
        "listNumberMessages": .init(
            "Lists a number's messages, newest first.", query: messagePage, answer: .json("NumberMessagePage")),
        "listContacts": .init(
            "Lists contacts.",
            query: [.text("search"), .integer(Bounds.contactLimit), .integer(Bounds.offset)],
            answer: .json("ContactPage")),
        "createContact": .init(
            "Makes a contact.", body: .json("ContactCreation"), answer: .json("Contact", status: 201), errors: [409]),
        "getContact": .init("Reads a contact.", answer: .json("Contact")),
        "updateContact": .init(
            "Changes a contact.", body: .json("ContactUpdate"), answer: .json("Contact"), errors: [409]),
        "deleteContact": .init("Removes a contact.", answer: .empty(status: 204)),
        "getCapabilities": .init(
            "Tells what a phone number can receive.", query: [.text("phone_number", isRequired: true)],
            answer: .json("CapabilityReport")),
        "getRegistrationStatus": .init(
            "Tells where the registration for SMS stands.", answer: .json("RegistrationStatus")),
        "listCalls": .init("Lists calls.", answer: .empty(status: 204), errors: [501]),
        "createCall": .init("Makes a call.", answer: .empty(status: 204), errors: [501]),
        "getCall": .init("Reads a call.", answer: .empty(status: 204), errors: [501]),
    ]

    private static let simulation: [String: OperationDescription] = [
        "listPhones": .init("Lists simulated phones.", answer: .json("PhoneList")),
        "addPhone": .init(
            "Sets up a phone, or changes whether it has iMessage.", body: .json("PhoneRequest"), answer: .json("Phone")),
        "listPhoneMessages": .init(
            "Lists what a phone shows, newest first.", query: [.integer(Bounds.messageLimit)],
            answer: .json("PhoneMessageList")),
        "sendFromPhone": .init(
            "Sends from a phone to the project.", body: .json("PhoneMessageRequest"), answer: .json("PhoneDelivery"),
            errors: [404]),
        "startSimulatedGroup": .init(
            "Starts a group of phones with a number of the project.", body: .json("SimulatedGroupRequest"),
            answer: .json("SimulatedGroup"), errors: [400, 404]),
        "reactFromPhone": .init(
            "Puts a tapback on a message from a phone.", body: .json("PhoneReactionRequest"),
            answer: .json("MessageReaction"), errors: [400, 404]),
        "uploadMedia": .init("Keeps media under its digest.", body: .bytes, answer: .json("UploadedMedia")),
        "getWebhookSwitch": .init(
            "Tells whether events become deliveries, and in order.", answer: .json("WebhookSwitch")),
        "setWebhookSwitch": .init(
            "Switches deliveries on or off, and their order.", body: .json("WebhookSwitchRequest"),
            answer: .json("WebhookSwitch")),
        "listSimulatedNumbers": .init("Lists numbers with what they can.", answer: .json("SimulatedNumberList")),
        "putSimulatedNumber": .init(
            "Makes a number, or changes what it can.", body: .json("SimulatedNumberRequest"),
            answer: .json("SimulatedNumber"), errors: [409]),
        "listFaults": .init("Lists faults in force.", answer: .json("FaultList")),
        "addFault": .init("Makes something go wrong.", body: .json("FaultRequest"), answer: .json("Fault")),
        "removeFaults": .init("Removes all faults.", answer: .json("Success")),
        "removeFault": .init("Removes a fault.", answer: .json("Success")),
        "getHealth": .init("Answers while the gateway runs.", answer: .json("Health")),
        "getDescription": .init("This description.", answer: .json("Anything")),
        "getMedia": .init("Serves media, ranges too.", answer: .bytes, errors: [416]),
        "headMedia": .init("As a GET, without the body.", answer: .bytes, errors: [416]),
    ]
}
