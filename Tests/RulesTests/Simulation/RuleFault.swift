/// A promise that the host is made to break, which the simulation has to notice.
enum RuleFault: CaseIterable, Sendable {
    /// Effects aren't judged, so opt-outs and fuses hold nobody back.
    case permitsEverything
    /// What an increment noted before it wrote is lost.
    case losesCheckpoints
    /// A command whose outcome is unknown is taken for one that did not take place.
    case repeatsUnknown
    /// A message that looks like it is taken for a command's, whoever's it is.
    case findsAnything
    /// A change of metadata that is tried again is taken for one that comes in time.
    case forgetsLateness
    /// Whose effect a message was is forgotten.
    case forgetsProducers
}
