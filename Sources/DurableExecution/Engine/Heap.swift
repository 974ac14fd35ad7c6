/// The least of many at hand; adding and removing cost the logarithm of how many there are.
struct Heap<Element: Comparable> {
    private var elements: [Element] = []

    /// The least.
    var first: Element? { elements.first }

    mutating func insert(_ element: Element) {
        elements.append(element)
        var index = elements.count - 1
        while index > 0, case let parent = (index - 1) / 2, elements[index] < elements[parent] {
            elements.swapAt(index, parent)
            index = parent
        }
    }

    mutating func removeFirst() {
        elements.swapAt(0, elements.count - 1)
        elements.removeLast()
        var index = 0
        while case let left = 2 * index + 1, left < elements.count {
            let right = left + 1
            let least = right < elements.count && elements[right] < elements[left] ? right : left
            guard elements[least] < elements[index] else { return }
            elements.swapAt(index, least)
            index = least
        }
    }
}
